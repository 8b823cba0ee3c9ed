"""The model of transformers' GPT-2 with weights from a seed."""
import torch
import transformers

from loadpath.reference import Reference, example_tokens, seeded

REFERENCES = {
    "gpt2": Reference(
        build=lambda: seeded(lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config()), seed=7),
        example_inputs=lambda batch: [example_tokens((batch, 16), 50257, 7)],
        batches=(1, 4),
        python="transformers.GPT2LMHeadModel(GPT2Config())",
        weights="seed 7",
        atol=2e-5,
        why="assert_close's defaults for float32, atol doubled: twelve blocks add up rounding; float32 and float64 differ by up "
        "to 2.4e-06, LibTorch's fused GELU and transformers' by up to 2.0e-06",
        forward=lambda module, inputs: [module(*inputs, use_cache=False).logits],
        # AdamW's state would be twice the weights: 1 GB.
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e-3, momentum=0.9),
    )
}
