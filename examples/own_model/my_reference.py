"""What mine-reference makes the reference data from: the model, its inputs, and the file that training left."""
from loadpath.reference import Reference, example_input, example_tokens

from event_net import EventNet

REFERENCES = {
    "eventnet": Reference(
        build=EventNet,
        example_inputs=lambda batch: [example_input((batch, 12, 40), 1), example_tokens((batch,), 5, 2)],
        batches=(1, 8),
        checkpoint="train.pth",
        key="model",
        prefixes=("module.", "_orig_mod."),
        rename=((r"^layers\.", "blocks."),),
    ),
}
