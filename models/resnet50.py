"""torchvision's resnet50 with weights from a seed."""
import torchvision

from loadpath.reference import Reference, example_input, seeded

REFERENCES = {
    "resnet50": Reference(
        build=lambda: seeded(
            lambda: torchvision.models.resnet50(weights=None),
            seed=6,
            # Other images than the example's, so that the running statistics do not fit it too well.
            batches=[example_input((2, 3, 64, 64), seed) for seed in (60, 61, 62)],
        ),
        example_inputs=lambda batch: [example_input((batch, 3, 224, 224), 6)],
        batches=(1, 4),
        python="torchvision.models.resnet50",
        weights="seed 6, running statistics from three batches",
    )
}
