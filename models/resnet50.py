import torchvision

from models.example_input import example_input
from models.reference import Reference, seeded

REFERENCES = {
    "resnet50": Reference(
        build=lambda: seeded(
            lambda: torchvision.models.resnet50(weights=None),
            seed=6,
            # More and other images than the example's, or the running statistics would fit it too well.
            batches=[example_input((2, 3, 64, 64), seed) for seed in (60, 61, 62)],
        ),
        example_inputs=lambda batch: [example_input((batch, 3, 224, 224), 6)],
        batches=(1, 4),
        python="torchvision.models.resnet50",
        weights="seed 6, running statistics from three batches",
    )
}
