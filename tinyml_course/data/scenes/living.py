"""Plants and animals: vertical bodies, round heads, legs, but no person."""

from tinyml_course.data.scenes.colours import Dress, green, mix, shade
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.shapes import Thing, ball, block, limb, reach


def tree(draws: Draws, wears: Dress) -> Thing:
    """A trunk and a round crown."""
    trunk = mix(wears.hair, wears.skin, draws.number(0, 0.6))
    crown = green(draws) if draws.chance(0.4) else wears.top
    split = draws.number(0.35, 0.6)
    thick = draws.number(0.025, 0.06)
    thing = [block((0, 0), (0, split + 0.1), thick, thick * 0.7, trunk, 0.4, 0.0, 1.0)]
    spread = draws.number(0.1, 0.2)
    for _ in range(draws.count(1, 4)):
        centre = (draws.number(-spread, spread), draws.number(split + 0.1, 0.85))
        thing.append(ball(centre, draws.number(0.13, 0.2), shade(crown, draws.number(0.8, 1.2)), 1))
    return thing


def conifer(draws: Draws, wears: Dress) -> Thing:
    """A fir: triangles on a short trunk."""
    leaves = green(draws) if draws.chance(0.4) else wears.bottom
    width = draws.number(0.13, 0.24)
    thing = [block((0, 0), (0, 0.3), 0.03, 0.03, wears.hair)]
    for level in range(3):
        low = 0.15 + 0.25 * level
        thing.append(
            block((0, low), (0, low + 0.38), width * (1 - 0.22 * level), 0.0, leaves, 0.8, 0.0, 1)
        )
    return thing


def cactus(draws: Draws, wears: Dress) -> Thing:
    """A trunk with arms that bend upwards."""
    skin = green(draws) if draws.chance(0.4) else wears.top
    thick = draws.number(0.06, 0.09)
    thing = [limb((0, 0), (0, 1 - thick), thick, skin, 0.5)]
    for side in (-1.0, 1.0):
        if draws.chance(0.8):
            start = draws.number(0.3, 0.6)
            elbow = (side * draws.number(0.13, 0.2), start + draws.number(-0.02, 0.05))
            up = (elbow[0], elbow[1] + draws.number(0.1, 0.3))
            thing += [
                limb((0, start), elbow, thick * 0.6, skin, 0.5),
                limb(elbow, up, thick * 0.6, skin, 0.5),
            ]
    return thing


def bush(draws: Draws, wears: Dress) -> Thing:
    """Leaves down to the ground."""
    leaves = green(draws) if draws.chance(0.4) else wears.top
    return [
        ball(
            (draws.number(-0.3, 0.3), draws.number(0.1, 0.35)),
            draws.number(0.12, 0.25),
            shade(leaves, draws.number(0.8, 1.2)),
            1.0,
        )
        for _ in range(draws.count(3, 5))
    ]


def beast(draws: Draws, wears: Dress) -> Thing:
    """A dog, a horse or a deer, from the side: a long body on four legs."""
    fur = wears.skin if draws.chance(0.6) else wears.hair
    shaded = shade(fur, 0.75)
    leg = draws.number(0.3, 0.5)
    half, thick = draws.number(0.17, 0.28), draws.number(0.08, 0.12)
    back = leg + thick
    neck = reach((half, back), draws.number(-0.4, -0.2), draws.number(-60, -15))
    thing: Thing = []
    for place, colour in ((-half, shaded), (half, shaded), (-half, fur), (half, fur)):
        hip = (place * 0.9, leg)
        knee = reach(hip, leg * 0.5, draws.number(-22, 22))
        thing.append(limb(hip, knee, 0.04, colour))
        thing.append(limb(knee, reach(knee, leg * 0.5, draws.number(-15, 8)), 0.03, colour))
    thing.append(limb((-half, back), (half, back), thick, fur, 0.3))
    if draws.chance(0.7):  # a coat, as a dog wears it
        thing.append(limb((-half * 0.6, back), (half * 0.6, back), thick * 1.05, wears.top, 0.15))
    thing.append(limb((half, back), neck, thick * 0.6, fur, 0.3))
    nose = reach(neck, draws.number(0.1, 0.16), draws.number(55, 85))
    thing.append(limb(neck, nose, thick * 0.5, fur, 0.2))
    thing.append(limb(neck, reach(neck, -0.1, draws.number(-20, 30)), 0.025, shaded))
    thing.append(
        limb((-half, back), reach((-half, back), 0.25, draws.number(-130, -20)), 0.025, shaded)
    )
    return thing


def sitting_animal(draws: Draws, wears: Dress) -> Thing:
    """A cat or a dog that sits upright: a round head with ears on a body that widens."""
    fur = wears.skin if draws.chance(0.5) else wears.hair
    head = draws.number(0.13, 0.17)
    top = 1 - head - 0.08
    thing = [
        limb((0.1, 0.06), (draws.number(0.3, 0.45), draws.number(0.04, 0.3)), 0.04, fur),
        block((0, 0.12), (0.02, top - 0.05), 0.13, 0.05, fur, 0.3, 0.09, 1.0),
        limb((-0.05, 0.3), (-0.05, 0.05), 0.05, shade(fur, 0.9)),
        limb((0.05, 0.3), (0.05, 0.05), 0.05, shade(fur, 0.9)),
    ]
    for side in (-0.65, 0.65):
        ear = (0.02 + side * head, top + head * 0.6)
        thing.append(block(ear, (ear[0] * 1.15, ear[1] + 0.12), 0.05, 0.0, shade(fur, 0.8)))
    thing.append(ball((0.02, top), head, fur, 0.2))
    if draws.chance(0.5):  # a collar
        thing.append(limb((-0.06, top - head), (0.1, top - head), 0.03, wears.top))
    return thing


def bird(draws: Draws, wears: Dress) -> Thing:
    """A crane or a hen: one body, a small round head, two thin legs, a beak."""
    feathers = wears.top if draws.chance(0.5) else wears.hair
    leg = draws.number(0.2, 0.42)
    lean = draws.number(25, 70)
    body = reach((0, leg + 0.12), -draws.number(0.12, 0.22), -lean)
    head = (body[0] + draws.number(0.02, 0.14), 1 - draws.number(0.06, 0.2))
    thing = [limb((side, leg + 0.1), (side + 0.01, 0), 0.014, wears.skin) for side in (-0.03, 0.03)]
    tail = reach((0, leg + 0.12), 0.25, -90 + draws.number(-20, 25))
    thing += [
        block((0, leg + 0.12), tail, 0.07, 0.02, shade(feathers, 0.8)),
        limb((0, leg + 0.12), body, 0.11, feathers, 0.5),
        limb(body, head, 0.04, feathers, 0.3),
        ball(head, 0.062, wears.skin if draws.chance(0.4) else feathers),
        block(head, (head[0] + 0.16, head[1] - 0.02), 0.03, 0.0, (0.9, 0.6, 0.15)),
    ]
    return thing
