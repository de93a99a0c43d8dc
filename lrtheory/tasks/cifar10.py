"""CIFAR-10 with a small ConvNet: three convolutions and a head, as the paper says; it gives no widths.

Offline the images are lossless WebP mosaics in npz files; from their home they are the official binary batches. Both are the
same bytes (a test rebuilds one from the other). Source: Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*,
2009; the network: arXiv:2604.27295.
"""

import io
import tarfile
from collections import OrderedDict
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from lrtheory.tasks.data import DataError, Download, File, download, local, offline_folder
from lrtheory.tasks.images import crop_and_flip, normalised
from lrtheory.tasks.pooling import RectifiedPooling
from lrtheory.tasks.task import Examples, FunctionTask, Settings

FILES = {
    "data_batch_1": File(
        "cifar10/data_batch_1.npz", "32be7307e8b70682c70454b9cf3f8e4de61607e46570997558012921d20e6c18"
    ),
    "data_batch_2": File(
        "cifar10/data_batch_2.npz", "106230a6ba042fdb51cde93e79d41efb49d7b205c5809d54dd836722e26648c9"
    ),
    "data_batch_3": File(
        "cifar10/data_batch_3.npz", "2c37c6705e7b2e56472ab971a74d190470d4e90273317a4725fd27a888b798db"
    ),
    "data_batch_4": File(
        "cifar10/data_batch_4.npz", "2c7440511cedab2e2390c2ae132af65b5a42adeeca3a126d29a0e567b7314464"
    ),
    "data_batch_5": File(
        "cifar10/data_batch_5.npz", "5517492b163362028ec1f4ac10647ab880a902443a4baf446881379a07460282"
    ),
    "test_batch": File("cifar10/test_batch.npz", "f748365af7ca44f7869c9c6a312dd1332effbcb247e103a5eccf4a298e45df67"),
}
"""The offline files, in the official order of the batches."""

HOME = Download(
    "cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
    ),
)

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""The means and deviations of the three channels over the training set."""


def task() -> FunctionTask:
    """The 50 000 training and 10 000 test images; flips and crops except as coded, where the program has none."""
    augmented = Settings(epochs=50, batch=128, augment=True)
    return FunctionTask(
        name="cifar10", title="CIFAR-10", family="vision", classes=10,
        settings={
            "fair": augmented, "as-described": augmented, "as-coded": Settings(epochs=50, batch=128, augment=False),
        },
        loader=lambda seed: load(), maker=network, fetch=fetch, forward=forward, augment=crop_and_flip, mixed=True,
        note="the paper names three convolutions and a head and no widths: 32, 64 and 128 channels, 256 hidden units",
    )  # fmt: skip


def fetch() -> None:
    """Have every file, checked."""
    if offline_folder() is None:
        download(HOME)
    else:
        for file in FILES.values():
            local(file)


@cache
def load() -> tuple[Examples, Examples]:
    """Training and test images, uint8, channels first."""
    batches = [_from_home(name) if offline_folder() is None else _from_folder(file) for name, file in FILES.items()]
    train = Examples(
        torch.cat([batch.inputs for batch in batches[:5]]), torch.cat([batch.labels for batch in batches[:5]])
    )
    return train, batches[5]


def network() -> nn.Sequential:
    """Three convolutions, each rectified and halved by pooling, and a head of two layers; channels last in memory."""

    def block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), RectifiedPooling())

    features = nn.Sequential(block(3, 32), block(32, 64), block(64, 128))
    head = nn.Sequential(nn.Flatten(), nn.Linear(128 * 4 * 4, 256), nn.ReLU(), nn.Linear(256, 10))
    return nn.Sequential(OrderedDict(features=features, classifier=head)).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def forward(model: nn.Module, images: Tensor) -> Tensor:
    """Logits of uint8 images, normalised by channel."""
    mean, deviation = _channels(images.device)
    return model(normalised(images, mean, deviation))


@cache
def _channels(device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation, brought to a device once: each copy would wait for it."""
    mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return mean, deviation


def _from_folder(file: File) -> Examples:
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            "the offline CIFAR-10 files are WebP images, which need Pillow: pip install 'lrtheory[data]'."
        ) from None
    with np.load(local(file), allow_pickle=False) as archive:
        mosaics = [np.asarray(Image.open(io.BytesIO(archive[f"webp_{part:02}"].tobytes()))) for part in range(20)]
        labels = archive["labels"].astype(np.int64)
    images = np.concatenate(mosaics).reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)
    return Examples(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels))


def _from_home(name: str) -> Examples:
    with tarfile.open(download(HOME)) as archive:
        member = archive.extractfile(f"cifar-10-batches-bin/{name}.bin")
        if member is None:
            raise DataError(f"{HOME.name} holds no {name}.bin.")
        records = np.frombuffer(member.read(), dtype=np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    images = records[:, 1:].reshape(-1, 3, 32, 32)
    return Examples(torch.from_numpy(images.copy()), torch.from_numpy(records[:, 0].astype(np.int64)))
