"""Weight sharing: k-means centroids and an index for each weight (Deep Compression, section 3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError, check_bits
from tinyml_course.pruning.bit_packing import pack_bits, packed_bytes

CENTROID_BYTES = 4  # float32
MAX_CODEBOOK_BITS = 8

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Codebook:
    """Shared weights.

    Attributes:
        centroids: float32 ``(k,)``, ascending.
        indices: uint8, of the weight's shape: the centroid of each.
        bits: of an index.
    """

    centroids: Floats
    indices: NDArray[np.uint8]
    bits: int

    def weights(self) -> Floats:
        """The weight that the indices stand for."""
        return self.centroids[self.indices]

    @property
    def size_bytes(self) -> int:
        """Bytes that `to_bytes` writes."""
        return codebook_bytes(self.indices.size, self.bits, len(self.centroids))

    def to_bytes(self) -> bytes:
        """Centroids, then indices without gaps."""
        indices = self.indices.reshape(-1).astype(np.uint32)
        return self.centroids.astype("<f4").tobytes() + pack_bits(indices, self.bits)


def codebook_bytes(weights: int, bits: int, centroids: int | None = None) -> int:
    """Bytes of indices and centroids.

    Args:
        weights: how many.
        bits: of an index.
        centroids: how many are stored; by default all that the bits can name.
    """
    entries = 1 << bits if centroids is None else centroids
    return packed_bytes(weights, bits) + CENTROID_BYTES * entries


def kmeans_codebook(w: NDArray[np.floating], bits: int, *, keep_zero: bool = False) -> Codebook:
    """Cluster the weights of a layer, so that the sum of squared errors is small.

    Starts from centroids spread evenly from the smallest weight to the largest, as the paper found
    best (section 3.2): large weights are few but matter. No chance is in it.

    Args:
        w: float weights of any shape.
        bits: of an index, 1 to 8: at most ``2^bits`` centroids. Fewer where the weights have fewer
            different values.
        keep_zero: zeros stay 0 and take a centroid of their own, for pruned weights.

    Raises:
        CompressionError: an empty layer, NaN or infinity, another number of bits.
    """
    flat = check_weights(w).reshape(-1)
    check_bits("a codebook has", bits, 1, MAX_CODEBOOK_BITS)
    zero = keep_zero and bool((flat == 0).any())
    free = flat[flat != 0] if zero else flat
    centroids = _cluster(free, (1 << bits) - zero) if free.size else np.zeros(0, np.float32)
    if zero:
        centroids = np.sort(np.append(centroids, np.float32(0)))
    return Codebook(centroids, nearest_centroids(w, centroids), bits)


def nearest_centroids(
    w: NDArray[np.floating], centroids: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """For each weight the index of the nearest centroid; the lower one in the middle.

    Args:
        w: of any shape.
        centroids: ascending, at most 256.
    """
    middles = (centroids[1:].astype(np.float64) + centroids[:-1]) / 2
    return np.searchsorted(middles, w.astype(np.float64), side="left").astype(np.uint8)


def codebook_step(
    w: NDArray[np.floating], centroids: NDArray[np.floating]
) -> dict[str, NDArray[np.generic]]:
    """One step of k-means: each weight to its nearest centroid, each centroid to its weights' mean.

    Args:
        w: of any shape.
        centroids: ascending, at most 256.

    Returns:
        ``indices``, uint8 of the shape of ``w``, into the centroids that were given;
        ``centroids``, float64 ``(k,)``, moved. One that no weight is nearest to stays.
    """
    indices = nearest_centroids(w, np.asarray(centroids, np.float64))
    members = np.bincount(indices.reshape(-1), minlength=len(centroids))
    sums = np.bincount(indices.reshape(-1), w.reshape(-1), len(centroids))
    means = np.where(members > 0, sums / np.maximum(members, 1), centroids)
    return {"indices": indices, "centroids": means}


def centroid_gradients(
    gradient: NDArray[np.floating], indices: NDArray[np.integer], clusters: int
) -> NDArray[np.float64]:
    """What the loss would like of each centroid: the sum over the weights that share it.

    Section 3.3 of the paper, equation 3.

    Args:
        gradient: of the loss with respect to each weight.
        indices: of the same shape.
        clusters: number of centroids.

    Raises:
        CompressionError: shapes that differ.
    """
    if gradient.shape != indices.shape:
        raise CompressionError(f"a gradient {gradient.shape} for indices {indices.shape}")
    sums = np.bincount(indices.reshape(-1), gradient.reshape(-1), clusters)
    return sums.astype(np.float64)  # integers where there is nothing to sum up


def check_weights(w: NDArray[np.floating]) -> NDArray[np.floating]:
    """The weights, if there are any and all are numbers.

    Raises:
        CompressionError: otherwise.
    """
    if not w.size:
        raise CompressionError("the layer is empty: there is nothing to quantize")
    if not np.isfinite(w).all():
        raise CompressionError("the weights hold NaN or infinity; train them again")
    return w


def _cluster(w: NDArray[np.floating], clusters: int) -> Floats:
    """Centroids in ascending order, each the mean of its weights."""
    from sklearn.cluster import KMeans

    different = np.unique(w)
    if len(different) <= clusters:
        return different.astype(np.float32)
    start = np.linspace(different[0], different[-1], clusters)[:, None]
    found = KMeans(clusters, init=start, n_init=1, max_iter=300, tol=0).fit(
        w.astype(np.float64)[:, None]
    )
    return np.unique(found.cluster_centers_.astype(np.float32))
