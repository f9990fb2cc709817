"""A person: an articulated figure of bones with angles, dressed in one of several ways."""

from typing import NamedTuple

from tinyml_course.data.scenes.colours import Dress, dark, hair, mix, shade
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.shapes import Point, Shape, Thing, ball, block, limb, reach

HIP, KNEE, SHIN = 0.5, 0.24, 0.23
"""Height of the hip, length of thigh and lower leg, in heights of a person."""
TORSO, UPPER_ARM, FOREARM = 0.31, 0.165, 0.155


class Pose(NamedTuple):
    """Ranges of angles in degrees; 0 hangs straight down, positive swings forward.

    Attributes:
        front: of the leg that is in front.
        back: of the other one.
        knee: how far a lower leg is bent back.
        arms: of both upper arms.
        elbow: how far a forearm is bent forward.
        weight: how often it is taken, relative to the others.
    """

    front: tuple[float, float]
    back: tuple[float, float]
    knee: tuple[float, float]
    arms: tuple[float, float]
    elbow: tuple[float, float]
    weight: int


POSES = (
    Pose((0, 6), (-6, 0), (0, 5), (-12, 15), (0, 35), 4),  # stands
    Pose((8, 30), (-28, -8), (0, 25), (-35, 35), (5, 50), 4),  # walks
    Pose((25, 60), (-35, 5), (20, 90), (-60, 60), (60, 110), 2),  # runs
    Pose((0, 12), (-12, 0), (0, 8), (60, 175), (0, 60), 2),  # reaches
    Pose((0, 8), (-8, 0), (0, 5), (-40, -20), (60, 100), 1),  # hands on hips
    Pose((70, 95), (65, 90), (70, 100), (10, 60), (0, 60), 1),  # sits
)
WEIGHTED = tuple(pose for pose in POSES for _ in range(pose.weight))
SITS = POSES[-1]


def person(draws: Draws, wears: Dress) -> Thing:
    """A person of height 1 who stands at the origin, looking to the right or at us."""
    pose = draws.choice(WEIGHTED)
    frontal = draws.chance(0.5) and pose is not SITS
    build = draws.number(0.85, 1.25)
    head = draws.number(0.075, 0.095) * (1.25 if draws.chance(0.15) else 1.0)
    lean = draws.number(-4, 4) if frontal else draws.number(-4, 14)
    hip: Point = (0.0, HIP)
    neck = reach(hip, -TORSO, -lean)
    # Seen from the front, shoulders and hips are wide and limbs swing sideways.
    half_shoulder = (0.1 if frontal else 0.03) * build
    half_hip = (0.05 if frontal else 0.012) * build
    short_sleeves, short_trousers = draws.chance(0.4), draws.chance(0.25)
    skirt = draws.chance(0.2) and pose is not SITS
    long_coat = not skirt and draws.chance(0.15)

    def leg(side: float, angle: float) -> Thing:
        start = (hip[0] + side * half_hip, hip[1])
        if frontal:
            angle = side * abs(angle) * 0.5
        bend = draws.number(*pose.knee)
        knee = reach(start, KNEE, angle)
        lower = angle - (bend if not frontal else 0.0)
        ankle = reach(knee, SHIN, lower)
        toe = side * 0.03 if frontal else 0.065
        thick = 0.044 * build
        bare = short_trousers or skirt
        tone = wears.bottom if side > 0 or frontal else shade(wears.bottom, 0.75)
        flesh = wears.skin if side > 0 or frontal else shade(wears.skin, 0.75)
        return [
            limb(knee, ankle, thick * 0.72, flesh if bare else tone, 0.05),
            limb(start, knee, thick, flesh if skirt else tone),
            limb(ankle, (ankle[0] + toe, ankle[1] - 0.012), 0.027, wears.shoes),
        ]

    def arm(side: float) -> Thing:
        start = (neck[0] + side * half_shoulder, neck[1] - 0.025)
        angle, bend = draws.number(*pose.arms), draws.number(*pose.elbow)
        if frontal:
            angle, bend = side * (abs(angle) + 6), side * draws.sign() * bend * 0.8
        elbow = reach(start, UPPER_ARM, angle)
        hand = reach(elbow, FOREARM, angle + bend)
        thick = 0.032 * build
        tone = wears.top if side > 0 or frontal else shade(wears.top, 0.75)
        return [
            limb(elbow, hand, thick * 0.75, wears.skin if short_sleeves else tone),
            limb(start, elbow, thick, tone),
            ball(hand, 0.027, wears.skin),
        ]

    figure = arm(-1.0) + leg(-1.0, draws.number(*pose.back)) + leg(1.0, draws.number(*pose.front))
    figure += _torso(hip, neck, half_shoulder, half_hip, build, wears)
    hem = draws.number(0.6, 0.9)
    if skirt or long_coat:
        tone = wears.bottom if skirt else wears.top
        bottom = reach(hip, KNEE * (hem if skirt else hem + 0.2), 0)
        wide = half_hip + (0.1 if skirt else 0.06)
        waist = (hip[0], hip[1] + 0.06)
        figure.append(block(waist, bottom, half_hip + 0.03, wide, tone, 0.15, 0.015, 1.0))
    if draws.chance(0.2):
        figure.append(_bag(draws, neck, frontal))
    figure += _head(draws, neck, lean, head, frontal, wears)
    figure += arm(1.0)
    lowest = min(min(part.y0, part.y1) - part.rounding for part in figure)
    if pose is SITS:
        seat = block((-0.03, hip[1] - 0.05), (-0.03, lowest), 0.1, 0.1, cloth_of_seat(draws))
        figure.insert(3, seat)
    return [part._replace(y0=part.y0 - lowest, y1=part.y1 - lowest) for part in figure]


def cloth_of_seat(draws: Draws) -> tuple[float, float, float]:
    """What a sitting person sits on."""
    return mix(hair(draws), dark(draws), draws.number())


def _torso(
    hip: Point, neck: Point, half_shoulder: float, half_hip: float, build: float, wears: Dress
) -> Thing:
    round_by = 0.035
    top = (neck[0], neck[1] - 0.03)
    return [
        block(
            hip,
            top,
            half_hip + 0.03 * build,
            half_shoulder + 0.025 * build,
            wears.top,
            0.15,
            round_by,
            1.0,
        ),
        limb((neck[0], neck[1] - 0.02), (neck[0], neck[1] + 0.06), 0.028, wears.skin),
    ]


def _head(
    draws: Draws, neck: Point, lean: float, radius: float, frontal: bool, wears: Dress
) -> Thing:
    tilt = lean + draws.number(-12, 12)
    centre = reach(neck, -(0.045 + radius), -tilt)
    chin = reach(centre, radius * 0.35, -tilt)
    crown = reach(centre, -radius * 0.25, -tilt)
    back = 0.0 if frontal else -0.3 * radius
    turned_away = frontal and draws.chance(0.25)
    face: Shape = limb(chin, crown, radius * 0.82, wears.skin, 0.05)
    mop = limb(
        (crown[0] + back - radius * 0.2, crown[1] + 0.02),
        (crown[0] + back + radius * 0.2, crown[1] + 0.02),
        radius * 0.82,
        wears.hair,
        0.3,
    )
    style = draws.number()
    parts: Thing = []
    if style < 0.3:  # long hair
        fall = (crown[0] + back * 1.5, neck[1] - 0.01)
        parts.append(limb(crown, fall, radius * 0.95, wears.hair, 0.3))
    if turned_away:
        return [*parts, face, limb(chin, crown, radius * 0.9, wears.hair, 0.3)]
    if style < 0.85:
        parts.append(mop)
    parts.append(face._replace(y1=face.y1 - radius * 0.25))
    if frontal:
        for side in (-0.32, 0.32):
            parts.append(ball((centre[0] + side * radius, centre[1]), radius * 0.11, (0.08,) * 3))
    else:
        parts.append(ball((centre[0] + 0.85 * radius, centre[1] - 0.01), radius * 0.2, wears.skin))
    if style > 0.8:  # a hat
        brim = (crown[0], crown[1] + radius * 0.35)
        width = radius * (1.3 if style > 0.9 else 0.9)
        peak = (crown[0], brim[1] + radius * 0.75)
        parts.append(block(brim, peak, radius * 0.8, radius * 0.6, wears.shoes, 0.1, 0.01, 1.0))
        parts.append(
            limb((brim[0] - width, brim[1]), (brim[0] + width, brim[1]), radius * 0.13, wears.shoes)
        )
    return parts


def _bag(draws: Draws, neck: Point, frontal: bool) -> Shape:
    """On the back, or in front of the chest."""
    x = neck[0] - (0.0 if frontal else 0.09)
    colour = hair(draws) if draws.chance(0.5) else dark(draws)
    return block((x, neck[1] - 0.05), (x, neck[1] - 0.22), 0.04, 0.045, colour, 0.1, 0.02, 1.0)
