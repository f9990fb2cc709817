"""Random numbers against integers written out, and by law."""

import numpy as np
import pytest

from tinyml_course.data.scenes.draws import Draws

KEY = (3, 1, 4)


def raw(count: int) -> list[int]:
    bits = np.random.PCG64(np.random.SeedSequence([3, *KEY]))
    return [int(bits.random_raw()) for _ in range(count)]


def test_a_field_is_the_upper_53_bits() -> None:
    expected = [(r >> 11) / 2**53 for r in raw(12)]
    assert Draws(KEY).field(3, 4).ravel().tolist() == expected
    assert Draws(KEY).field(3, 4).shape == (3, 4)


def test_octets_are_the_bytes_from_the_lowest_up() -> None:
    expected = b"".join(r.to_bytes(8, "little") for r in raw(3))
    assert Draws(KEY).octets(3, 7).tobytes() == expected[:21]


def test_a_number_is_a_field_taken_from_its_end() -> None:
    ahead = Draws(KEY).field(256)
    draws = Draws(KEY)
    assert [draws.number(2, 6) for _ in range(5)] == [2 + 4 * n for n in ahead[:-6:-1]]


def test_counts_and_choices_take_every_value_as_often() -> None:
    draws = Draws(KEY)
    counts = np.bincount([draws.count(2, 4) for _ in range(3000)])
    chosen = [draws.choice("abc") for _ in range(3000)]
    # 1000 expected, standard deviation 26; four of them.
    assert counts[:2].tolist() == [0, 0]
    assert np.abs(counts[2:] - 1000).max() < 104
    assert all(abs(chosen.count(letter) - 1000) < 104 for letter in "abc")


@pytest.mark.parametrize("probability", [0.0, 0.2, 1.0])
def test_a_chance_comes_as_often_as_it_says(probability: float) -> None:
    draws = Draws(KEY)
    hits = sum(draws.chance(probability) for _ in range(4000))
    # Four standard deviations.
    assert abs(hits - 4000 * probability) <= 4 * np.sqrt(4000 * probability * (1 - probability))


def test_signs_are_both() -> None:
    draws = Draws(KEY)
    assert {draws.sign() for _ in range(50)} == {-1.0, 1.0}


def test_streams_differ_by_any_number_of_the_key() -> None:
    fields = [
        Draws(key).field(4).tolist() for key in ((0, 1), (1, 0), (0, 1, 0), (0, 2), (0, 1, 1))
    ]
    assert len({tuple(field) for field in fields}) == len(fields)
