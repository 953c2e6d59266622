"""A vision-language model of a standard architecture (Idefics3: SigLIP-like eyes, a Llama that reads and writes), small
enough to be built by a test in a second and with no download. Nobody trained it: its weights are random, from a seed.

It is saved as any published model is, so transformers, `transformers serve` and vLLM load the folder unchanged.
Needs torch and transformers (the extra `local`); torchvision is not needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceagent_finetune.nano.tokens import RESPONSE, SPECIAL

IMAGE_SIDE = 128
_PATCH = 16
_SCALE = 2
IMAGE_TOKENS = (IMAGE_SIDE // _PATCH // _SCALE) ** 2
CONTEXT = 32_768

_SENTENCES = (
    "You answer questions about faces in photos. You measure nothing yourself: call the tools.",
    '<tool_call>\n{"name": "detect_faces", "arguments": {"images": ["image 1"]}}\n</tool_call>',
    '<tool_response>\n{"evidence":[{"id":"e1","subject":"face 1.2","attribute":"sharpness","value":0.62}]}'
    "\n</tool_response>",
    '{"status": "answered", "claims": [{"sentence": "The face is sharp.", "subject": "face 1.1", "attribute": '
    '"sharpness", "value": "high", "evidence": ["e1", "e2"], "role": "answer"}], "remarks": [], "not_established": []}',
    '{"type": "function", "function": {"name": "compare_faces", "description": "Whether two faces show one person.", '
    '"parameters": {"type": "object", "properties": {"subjects": {"type": "array", "items": {"type": "string"}, '
    '"description": "Face ids such as face 1.2, or image ids for all faces in them. Empty: all faces."}}}}}',
    "How old does the person in image 2 look? Is this photo genuine? Do these two show the same person?",
)

# ChatML with tools in the style of Hermes, as the Qwen family writes them. `message['content']` and a loop over
# `messages` are what vLLM looks for when it decides how to hand over the pieces of a message.
TEMPLATE = """\
{%- if tools %}{{ '<|im_start|>system\\nTools, one JSON schema a line:\\n<tools>\\n' }}
{%- for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}
{{- '</tools>\\nTo call one, write <tool_call>\\n{"name": NAME, "arguments": OBJECT}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + ('user' if message['role'] == 'tool' else message['role']) + '\\n' }}
{%- if message['role'] == 'tool' %}{{ '<tool_response>\\n' }}{% endif %}
{%- if message['role'] == 'assistant' %}{% generation %}
{%- if message['content'] is string %}{{ message['content'] }}
{%- else %}{% for part in message['content'] or [] %}{{ part['text'] }}{% endfor %}{% endif %}
{%- for call in message['tool_calls'] or [] %}{% set call = call['function'] or call %}
{{- '<tool_call>\\n{"name": "' + call['name'] + '", "arguments": ' }}
{{- call['arguments'] if call['arguments'] is string else call['arguments'] | tojson }}{{ '}\\n</tool_call>' }}
{%- endfor %}{{ '<|im_end|>' }}{% endgeneration %}
{%- else %}
{%- if message['content'] is string %}{{ message['content'] }}
{%- else %}{% for part in message['content'] %}
{{- '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endif %}
{%- if message['role'] == 'tool' %}{{ '\\n</tool_response>' }}{% endif %}{{ '<|im_end|>' }}
{%- endif %}{{ '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""


def build(folder: Path, *, template: str = TEMPLATE, seed: int = 0) -> Path:
    """Save model, tokenizer and processor in `folder` and return it.

    Args:
        template: the chat template; by default one that knows tools.
        seed: of the weights.
    """
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    tokenizer = _tokenizer()
    processor = Idefics3Processor(
        Idefics3ImageProcessorPil(
            do_image_splitting=False, size={"longest_edge": IMAGE_SIDE}, max_image_size={"longest_edge": IMAGE_SIDE}
        ),
        tokenizer,
        image_seq_len=IMAGE_TOKENS,
        chat_template=template,
    )
    # vLLM reads the template of the tokenizer, transformers that of the processor.
    tokenizer.chat_template = template
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    torch.manual_seed(seed)
    model = Idefics3ForConditionalGeneration(
        Idefics3Config(
            image_token_id=ids["<image>"],
            scale_factor=_SCALE,
            pad_token_id=ids["<|endoftext|>"],
            vision_config={
                "hidden_size": 128,
                "intermediate_size": 256,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": IMAGE_SIDE,
                "patch_size": _PATCH,
            },
            text_config={
                "model_type": "llama",
                "vocab_size": len(tokenizer),
                "hidden_size": 128,
                "intermediate_size": 256,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 64,
                "max_position_embeddings": CONTEXT,
                # Wide enough that what is read changes what is written, though nobody trained it.
                "initializer_range": 0.2,
                "bos_token_id": ids["<|im_start|>"],
                "eos_token_id": ids["<|im_end|>"],
                "pad_token_id": ids["<|endoftext|>"],
            },
        )
    )
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    """Byte-level BPE, learnt from the sentences above."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=768,
        min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    bpe.train_from_iterator(_SENTENCES, trainer)
    # Tokens of their own, but text all the same: they survive decoding, as in the Qwen family.
    bpe.add_tokens([AddedToken(name, special=False, normalized=False) for name in ("<tool_call>", "</tool_call>")])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL),
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        response_template=RESPONSE,
    )
