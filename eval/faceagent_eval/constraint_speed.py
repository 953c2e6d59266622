"""Which library holds a model's turn to our schemas best: `python -m faceagent_eval.constraint_speed`.

For the real task (all installed tools, and `Draft`) it measures, per library, what is installed for it beside torch and
transformers, the processor's time to take in a tokenizer (once a model), to compile the grammar (once for a set of
tools) and to find the allowed tokens (each token), and whether good turns are taken and bad ones refused. The tokenizer
is that of a model folder, or by default one learnt on the spot from Python's own library, as large as those of today's
models.

Needs the extra `local`, and `pip install xgrammar outlines-core` for the two that were not chosen.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.utils.function_calling import convert_to_openai_tool

from faceagent.controllers.constraint import call_schema, draft_schema, turn_grammar
from faceagent.session import Session
from faceagent.tool import Toolbox

CALL = '<tool_call>\n{"name": "compare_faces", "arguments": {"subjects": ["face 1.1", "face 2.1"]}}\n</tool_call>'
DRAFT = json.dumps(
    {
        "status": "answered",
        "claims": [
            {
                "sentence": f"The face {place} from the left is sharp enough to compare it with others.",
                "subject": f"face 1.{place}",
                "attribute": "sharpness",
                "value": 0.62,
                "evidence": [f"e{place}"],
                "role": "answer",
            }
            for place in range(1, 5)
        ],
        "remarks": [],
        "not_established": ["Who they are."],
    }
)
GOOD = (CALL, DRAFT)
BAD = (CALL.replace("compare_faces", "read_mind"), DRAFT.replace('["e1"]', "[]"), f"Yes. {DRAFT}", CALL + DRAFT)

# What each brings along, beside torch and transformers.
INSTALLED = {
    "llguidance": ("llguidance",),
    "xgrammar": ("xgrammar", "apache-tvm-ffi", "triton"),
    "outlines_core": ("outlines_core",),
}

Step = Callable[[int | None], bool]
"""Takes the token just written (None before the first) and finds those allowed next; False: it was not allowed."""
Compile = Callable[[], Callable[[], Step]]
"""Makes the grammar; what it gives begins a turn."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, help="a model's folder; by default one is learnt")
    parser.add_argument("--vocabulary", type=int, default=131_072, help="size of the learnt one (default 131072)")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds that a library may take (default 120)")
    chosen = parser.parse_args()
    tokenizer = _tokenizer(chosen.tokenizer, chosen.vocabulary)
    out = sys.stdout.write
    out(f"{len(tokenizer)} tokens in the vocabulary, {len(_tools())} tools, turns of ")
    out(f"{' and '.join(str(len(tokenizer.encode(text))) for text in GOOD)} tokens\n\n")
    out(
        "| library | version | MB | tokenizer, s | compile, ms | a token, µs: mean | p99 | good turns | bad refused |\n"
    )
    out("|---|---|---|---|---|---|---|---|---|\n")
    for library in INSTALLED:
        out(_row(library, tokenizer, chosen.patience) + "\n")


def _row(library: str, tokenizer: Any, patience: float) -> str:
    megabytes = sum(_bytes(name) for name in INSTALLED[library]) / 1e6
    head = f"| {library} | {distribution(library).version} | {megabytes:.0f} |"
    results: multiprocessing.Queue[str] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_measure, args=(library, tokenizer, results))
    process.start()
    process.join(patience)
    if process.is_alive():
        process.terminate()
        process.join()
        return f"{head} not ready after {patience:.0f} s | | | | | |"
    return f"{head} {results.get()}" if process.exitcode == 0 else f"{head} failed | | | | | |"


def _measure(library: str, tokenizer: Any, results: Any) -> None:
    prepare = {"llguidance": _llguidance, "xgrammar": _xgrammar, "outlines_core": _outlines}[library]
    start = time.process_time()
    compiled = prepare(tokenizer)
    prepared = time.process_time() - start
    start = time.process_time()
    begin = compiled()
    compiling = time.process_time() - start
    spent: list[float] = []
    for text in GOOD * 5:
        spent += _times(begin(), tokenizer.encode(text, add_special_tokens=False))
    taken = sum(_takes(begin(), tokenizer, text) for text in GOOD)
    refused = sum(not _takes(begin(), tokenizer, text) for text in BAD)
    microseconds = np.array(spent) * 1e6
    results.put(
        f"{prepared:.1f} | {compiling * 1000:.0f} | {microseconds.mean():.0f} | "
        f"{np.percentile(microseconds, 99):.0f} | {taken}/{len(GOOD)} | {refused}/{len(BAD)} |"
    )


def _times(step: Step, ids: list[int]) -> Iterator[float]:
    for token in [None, *ids]:
        start = time.process_time()
        step(token)
        yield time.process_time() - start


def _takes(step: Step, tokenizer: Any, text: str) -> bool:
    ids = tokenizer.encode(text, add_special_tokens=False)
    return all(step(token) for token in [None, *ids, tokenizer.eos_token_id])


def _llguidance(tokenizer: Any) -> Compile:
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer
    from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

    tokens = from_tokenizer(tokenizer)
    vocabulary = tokenizer.get_vocab()

    def compiled() -> Callable[[], Step]:
        special = [name for name in ("<tool_call>", "</tool_call>") if name in vocabulary]
        first = LLMatcher(tokens, turn_grammar(_tools(), special=special), log_level=0)
        mask = allocate_token_bitmask(1, tokens.vocab_size)

        def begin() -> Step:
            matcher = first.deep_copy()

            def step(token: int | None) -> bool:
                if token is not None and not matcher.consume_token(token):
                    return False
                fill_next_token_bitmask(matcher, mask)
                return True

            return step

        return begin

    return compiled


def _xgrammar(tokenizer: Any) -> Compile:
    import xgrammar

    info = xgrammar.TokenizerInfo.from_huggingface(tokenizer)

    def of(schema: dict[str, Any]) -> Any:
        return xgrammar.Grammar.from_json_schema(json.dumps(schema), any_whitespace=False, separators=(", ", ": "))

    def compiled() -> Callable[[], Step]:
        compiler = xgrammar.GrammarCompiler(info, max_threads=1)
        calls = {"anyOf": [call_schema(tool["function"]) for tool in _tools()]}
        opening, closing = (
            xgrammar.Grammar.from_ebnf(f"root ::= {json.dumps(text)}") for text in ("<tool_call>\n", "\n</tool_call>")
        )
        turn = xgrammar.Grammar.union(xgrammar.Grammar.concat(opening, of(calls), closing), of(draft_schema()))
        grammar = compiler.compile_grammar(turn)
        mask = xgrammar.allocate_token_bitmask(1, info.vocab_size)

        def begin() -> Step:
            matcher = xgrammar.GrammarMatcher(grammar)

            def step(token: int | None) -> bool:
                if token is not None and not matcher.accept_token(token):
                    return False
                if not matcher.is_terminated():
                    matcher.fill_next_token_bitmask(mask)
                return True

            return step

        return begin

    return compiled


def _outlines(tokenizer: Any) -> Compile:
    from outlines_core import Guide, Index, Vocabulary
    from outlines_core.json_schema import build_regex_from_schema

    end = tokenizer.eos_token_id
    words: dict[bytes, list[int]] = {}
    for token in range(len(tokenizer)):
        if token != end:
            words.setdefault(_spelling(tokenizer, token), []).append(token)
    vocabulary = Vocabulary(end, words)

    def compiled() -> Callable[[], Step]:
        calls = {"anyOf": [call_schema(tool["function"]) for tool in _tools()]}
        call, draft = (build_regex_from_schema(json.dumps(schema)) for schema in (calls, draft_schema()))
        index = Index(f"(<tool_call>\n{call}\n</tool_call>)|({draft})", vocabulary)

        def begin() -> Step:
            guide = Guide(index)
            allowed = guide.get_tokens()

            def step(token: int | None) -> bool:
                nonlocal allowed
                if token is not None and token not in allowed:
                    return False
                if token is not None and token != end:
                    guide.advance(token)
                allowed = guide.get_tokens()
                return True

            return step

        return begin

    return compiled


def _spelling(tokenizer: Any, token: int) -> bytes:
    """The bytes of a token of a byte-level vocabulary."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    back = {character: byte for byte, character in bytes_to_unicode().items()}
    name = tokenizer.convert_ids_to_tokens(token)
    return bytes(back[character] for character in name) if all(c in back for c in name) else name.encode()


def _tools() -> list[dict[str, Any]]:
    return [convert_to_openai_tool(tool) for tool in Toolbox.installed().bind(Session())]


def _bytes(name: str) -> int:
    found = distribution(name)
    paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _tokenizer(folder: Path | None, size: int) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if folder is not None:
        return AutoTokenizer.from_pretrained(folder)
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|im_end|>"],
        show_progress=False,
    )
    library = Path(sysconfig.get_path("stdlib"))
    sources = (path.read_text(encoding="utf-8", errors="ignore") for path in sorted(library.rglob("*.py")))
    bpe.train_from_iterator(sources, trainer)
    bpe.add_tokens([AddedToken(name, special=False, normalized=False) for name in ("<tool_call>", "</tool_call>")])
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>")


if __name__ == "__main__":
    main()
