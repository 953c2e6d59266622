"""Train a model as a recipe says, or go on with a run that was cut off."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import DataLoader

from faceagent.controllers.pretrained import ChatFormat, check_place, explained, read_processor
from faceagent.errors import UsageError
from faceagent_finetune.vlm import network as networks
from faceagent_finetune.vlm.batches import Batches, InTurn
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.judge import judged
from faceagent_finetune.vlm.recipe import Recipe
from faceagent_finetune.vlm.run import Run
from faceagent_finetune.vlm.shared import after_common, check_shared, scored_where_learnt
from faceagent_finetune.vlm.shortage import shortage_told
from faceagent_finetune.vlm.watch import Progress, Watch

Start = Callable[[Recipe], tuple[Any, ChatFormat]]
"""What loads the network that a recipe names, ready to be trained, and how it reads a conversation."""


def as_the_recipe_says(recipe: Recipe) -> tuple[Any, ChatFormat]:
    """Raises: UsageError, ControllerError, Shortage: it cannot be loaded."""
    with explained(recipe.model):
        processor = read_processor(recipe.model)
    return networks.load(recipe), ChatFormat.of(processor)


class Trainer(transformers.Trainer):
    """transformers' trainer, with an order of the conversations that seed and epoch alone decide, and its own batches
    for the val split. Datasets are numbers of conversations; `Batches` reads them.

    Args:
        shared_prefix: what a batch begins with in common is read once in training, see `shared`.
    """

    def __init__(
        self, *, order: InTurn, val: Batches, val_numbers: list[int], shared_prefix: bool = False, **kwargs: Any
    ) -> None:
        self.order, self.val, self.val_numbers, self.shared_prefix = order, val, val_numbers, shared_prefix
        super().__init__(eval_dataset=val_numbers or None, **kwargs)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self.shared_prefix and model.training:
            inputs = after_common(model, inputs)
        with scored_where_learnt(self.accelerator.unwrap_model(model), inputs) as batch:
            return super().compute_loss(model, batch, *args, **kwargs)

    def _get_train_sampler(self, train_dataset: Any = None) -> InTurn:
        return self.order

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        numbers: Any = self.val_numbers
        return self.accelerator.prepare(DataLoader(numbers, batch_size=self.args.eval_batch_size, collate_fn=self.val))


def train(
    recipe: Recipe, corpus: Path, out: Path, on_progress: Progress, start: Start = as_the_recipe_says
) -> Run | None:
    """Train, or go on after the last whole checkpoint; the finished run, or None in a process that only helps another.

    Raises:
        UsageError: recipe, corpus and folder do not go together. FaceAgentError: memory, disk or the loss gave way;
            what was kept before is whole.
    """
    check_place(recipe.model)
    networks.check_compiler(recipe)
    data = Conversations(corpus, "train", recipe.choice)
    val = Conversations(corpus, "val", recipe.val_choice) if recipe.val else data
    arguments = _arguments(recipe, out)
    first = arguments.process_index == 0
    with arguments.main_process_first(local=False):
        run = Run.claim(out, recipe, corpus)
        if run.report() is None and first:
            run.clear()
            run.leave_out([*data.left_out, *val.left_out])
    if run.report() is None:
        figures = _trained(run, arguments, data, val, on_progress, start)
        if first:
            run.finish({**figures, "conversations": data.by_kind, "left_out": run.was_left_out()})
    return run if first else None


def _trained(
    run: Run,
    arguments: transformers.TrainingArguments,
    data: Conversations,
    val: Conversations,
    on_progress: Progress,
    start: Start,
) -> dict[str, Any]:
    """Run it to its end; the figures."""
    recipe = run.recipe
    transformers.utils.logging.disable_progress_bar()
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    # Before adapters get their first weights, which are drawn by chance.
    transformers.set_seed(recipe.seed)
    watch = Watch(run.folder, on_progress)
    checkpoints = run.checkpoints()
    with shortage_told(run.folder):
        trainer = _trainer(run, arguments, *start(recipe), data, val)
        trainer.add_callback(watch)
        trainer.train(resume_from_checkpoint=str(checkpoints[-1]) if checkpoints else None)
        losses = judged(trainer, trainer.val, trainer.val_numbers)
    return {
        "steps": trainer.state.global_step,
        "tokens_read": trainer.state.num_input_tokens_seen,
        "tokens_per_second": round(watch.speed, 1),
        "device": str(arguments.device),
        "val": losses,
    }


def _trainer(
    run: Run,
    arguments: transformers.TrainingArguments,
    network: Any,
    chat: ChatFormat,
    data: Conversations,
    val: Conversations,
) -> Trainer:
    recipe = run.recipe
    if recipe.shared_prefix:
        check_shared(network.config.model_type, arguments.world_size)
    ends = chat.ends(network.generation_config)
    read, judge = (Batches(of, chat, ends, recipe.max_length, recipe.image_side, run.leave_out) for of in (data, val))
    chosen = random.Random(recipe.seed).sample(range(len(val)), min(recipe.val, len(val)))
    trainer = Trainer(
        order=InTurn(data.sizes, recipe.batch, recipe.seed),
        val=judge,
        val_numbers=sorted(chosen),
        shared_prefix=recipe.shared_prefix,
        model=network,
        args=arguments,
        train_dataset=range(len(data)),
        data_collator=read,
        processing_class=chat.processor,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _arguments(recipe: Recipe, out: Path) -> transformers.TrainingArguments:
    if recipe.tensorboard and find_spec("tensorboard") is None:
        raise UsageError("tensorboard = true needs TensorBoard", "Install it with: pip install tensorboard")
    return transformers.TrainingArguments(
        output_dir=str(out),
        seed=recipe.seed,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.steps or -1,
        per_device_train_batch_size=recipe.batch,
        per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        bf16=networks.bf16(recipe),
        use_cpu=not torch.accelerator.is_available(),  # said, or bf16 is refused there
        activation_checkpointing=recipe.checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if recipe.checkpointing else None,
        eval_strategy="steps" if recipe.val else "no",
        eval_steps=recipe.val_every,
        save_strategy="steps",
        save_steps=recipe.save_every,
        save_total_limit=recipe.keep,
        logging_steps=1,
        # The loss must be seen as it is: `Watch` ends a run where it is no number.
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="non_padding",
        dataloader_num_workers=recipe.workers,
        dataloader_pin_memory=torch.accelerator.is_available(),
        # A batch without pictures leaves eyes and connector out.
        ddp_find_unused_parameters=set(recipe.parts) != {"language"},
        remove_unused_columns=False,
        prediction_loss_only=True,
        label_names=["labels"],
        disable_tqdm=True,
        report_to=["tensorboard"] if recipe.tensorboard else "none",
    )
