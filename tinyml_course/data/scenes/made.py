"""Made things: posts, bottles, chairs, clothes without anybody in them."""

from tinyml_course.data.scenes.colours import Dress, grey
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.shapes import Thing, ball, block, limb, reach


def lamp_post(draws: Draws, wears: Dress) -> Thing:
    """A ball on a pole."""
    metal = grey(draws) if draws.chance(0.3) else wears.bottom
    globe = draws.number(0.06, 0.11)
    thing = [
        block((0, 0), (0, 0.12), 0.05, 0.035, metal),
        limb((0, 0.05), (0, 1 - globe), draws.number(0.015, 0.035), metal),
    ]
    if draws.chance(0.3):  # two lamps on a bar
        arm = draws.number(0.1, 0.18)
        thing.append(limb((-arm, 0.88), (arm, 0.88), 0.015, metal))
        thing += [ball((side, 0.88 - globe), globe, wears.skin) for side in (-arm, arm)]
    else:
        thing.append(ball((0, 1 - globe), globe, wears.skin if draws.chance(0.6) else wears.top))
    return thing


def sign(draws: Draws, wears: Dress) -> Thing:
    """A plate on a pole."""
    size = draws.number(0.09, 0.16)
    thing = [limb((0, 0), (0, 0.95), draws.number(0.015, 0.03), wears.shoes)]
    form = draws.count(0, 2)
    middle = (0.0, 1 - size)
    if form == 0:
        thing += [ball(middle, size, wears.top, 0), ball(middle, size * 0.7, wears.skin, 0)]
    elif form == 1:
        thing.append(block((0, 1 - 2 * size), (0, 1), size, 0.0, wears.top))
    else:
        high = draws.number(0.15, 0.45)
        thing.append(block((0, 1 - high), (0, 1), size, size, wears.top, 0.0, 0.01))
        if draws.chance(0.5):
            thing.append(block((0, 0.65 - high), (0, 0.95 - high), size, size, wears.bottom))
    return thing


def bottle(draws: Draws, wears: Dress) -> Thing:
    """Body, neck and cap."""
    half = draws.number(0.12, 0.17)
    shoulder = draws.number(0.5, 0.65)
    thing = [
        block((0, 0.03), (0, shoulder), half - 0.03, half - 0.03, wears.top, 0.05, 0.03, 1.0),
        block((0, shoulder), (0, shoulder + 0.15), half - 0.02, 0.035, wears.top, 0.05, 0.02, 1.0),
        block((0, shoulder), (0, 0.93), 0.045, 0.04, wears.top, 0.05, 0.0, 1.0),
        block((0, 0.9), (0, 1), 0.05, 0.05, wears.skin, 0.0, 0.008, 1.0),
    ]
    if draws.chance(0.7):
        low = draws.number(0.12, 0.25)
        thing.append(block((0, low), (0, low + 0.2), half, half, wears.bottom, 0.1, 0.0, 1.0))
    return thing


def chair(draws: Draws, wears: Dress) -> Thing:
    """A back, a seat and legs; the back may be round like a head."""
    wood = wears.hair if draws.chance(0.5) else wears.skin
    seat, half = draws.number(0.4, 0.5), draws.number(0.16, 0.22)
    turned = draws.number(0.0, 0.1)
    thing = [
        limb((side * half + turned, seat), (side * half * 1.1 + turned, 0.06), 0.022, wood)
        for side in (-1.0, 1.0)
    ]
    if draws.chance(0.5):
        thing += [
            limb((side * half, seat), (side * half, 0.97), 0.025, wood) for side in (-0.9, 0.9)
        ]
        thing.append(block((0, 0.65), (0, 0.95), half * 0.9, half * 0.9, wears.top, 0.1, 0.01))
    else:
        thing.append(limb((0, seat), (0, 0.8), 0.05, wood))
        thing.append(ball((0, 0.85), 0.14, wears.skin if draws.chance(0.4) else wears.top))
    thing += [
        limb((side * half, seat), (side * half * 1.15, 0.0), 0.025, wood) for side in (-1.0, 1.0)
    ]
    thing.append(limb((-half, seat), (half + turned, seat), 0.045, wears.bottom))
    return thing


def pawn(draws: Draws, wears: Dress) -> Thing:
    """A ball on a cone, as in chess; or three balls, as a skittle or a man of snow has them."""
    if draws.chance(0.5):
        radius = draws.number(0.1, 0.14)
        return [
            block((0, 0.02), (0, 0.12), 0.19, 0.17, wears.bottom, 0.1, 0.02, 1.0),
            block((0, 0.1), (0, 0.85), draws.number(0.12, 0.16), 0.05, wears.top, 0.1, 0.0, 1.0),
            limb((-0.09, 1 - 2.1 * radius), (0.09, 1 - 2.1 * radius), 0.025, wears.top),
            ball((0, 1 - radius), radius, wears.skin),
        ]
    sizes = (draws.number(0.19, 0.24), draws.number(0.14, 0.18), draws.number(0.09, 0.12))
    colours = (wears.bottom, wears.top, wears.skin)
    if draws.chance(0.5):
        colours = (wears.top, wears.top, wears.top)
    heights = (sizes[0], 2 * sizes[0] + sizes[1] * 0.7, 1 - sizes[2])
    return [ball((0, y), r, c) for y, r, c in zip(heights, sizes, colours, strict=True)]


def coat_stand(draws: Draws, wears: Dress) -> Thing:
    """A coat with two sleeves that hangs from a pole: nobody is in it."""
    pole = wears.hair
    low = draws.number(0.3, 0.5)
    top = draws.number(0.84, 0.9)
    wide = draws.number(0.09, 0.13)
    thing = [
        limb((0, 0), (0, 1.0), 0.02, pole),
        limb((-0.15, 0.0), (0, 0.12), 0.02, pole),
        limb((0.15, 0.0), (0, 0.12), 0.02, pole),
    ]
    thing += [limb((0, 0.9), (side, 0.97), 0.015, pole) for side in (-0.12, 0.12)]
    for side in (-1.0, 1.0):
        shoulder = (side * wide, top - 0.05)
        sleeve = reach(shoulder, draws.number(0.25, 0.33), side * draws.number(2, 14))
        thing.append(limb(shoulder, sleeve, 0.04, wears.top))
    thing.append(block((0, low), (0, top), wide + 0.03, wide - 0.02, wears.top, 0.15, 0.02, 1.0))
    if draws.chance(0.4):
        thing.append(limb((0.1, 0.96), (0.16, 0.96), 0.05, wears.bottom))
    return thing


def washing_line(draws: Draws, wears: Dress) -> Thing:
    """A shirt and trousers on a line: the clothes of a person side by side."""
    post, line = wears.hair, draws.number(0.85, 0.95)
    wide = draws.number(0.35, 0.45)
    thing = [
        limb((-wide, 0), (-wide, line + 0.03), 0.022, post),
        limb((wide, 0), (wide, line + 0.03), 0.022, post),
        limb((-wide, line), (wide, line), 0.008, (0.85, 0.85, 0.85)),
    ]
    first = draws.sign() * wide * 0.5
    shirt, trousers = (first, line), (-first, line)
    for side in (-1.0, 1.0):
        sleeve = reach((shirt[0] + side * 0.09, line - 0.03), 0.25, side * draws.number(5, 40))
        thing.append(limb((shirt[0] + side * 0.09, line - 0.03), sleeve, 0.035, wears.top))
    thing.append(block(shirt, (shirt[0], line - 0.33), 0.1, 0.09, wears.top, 0.15, 0.015))
    for side in (-1.0, 1.0):
        hip = (trousers[0] + side * 0.045, line - 0.08)
        leg = reach(hip, 0.36, side * draws.number(-2, 10))
        thing.append(limb(hip, leg, 0.045, wears.bottom))
    thing.append(block(trousers, (trousers[0], line - 0.1), 0.075, 0.09, wears.bottom))
    return thing


def parasol(draws: Draws, wears: Dress) -> Thing:
    """A roof on a pole."""
    half = draws.number(0.2, 0.32)
    return [
        block((0, 0), (0, 0.08), 0.08, 0.06, wears.shoes),
        limb((0, 0), (0, 0.95), 0.018, wears.skin),
        block((0, 0.72), (0, 1.0), half, 0.0, wears.top, 0.05, 0.0, 1.0),
        ball((0, 1.0), 0.025, wears.skin),
    ]


def box(draws: Draws, wears: Dress) -> Thing:
    """A crate, a cupboard, a bin."""
    half, high = draws.number(0.15, 0.3), draws.number(0.4, 1.0)
    colour = wears.top if draws.chance(0.5) else wears.skin
    thing = [block((0, 0), (0, high), half, half, colour, 0.3)]
    if draws.chance(0.6):
        thing.append(block((0, high * 0.5), (0, high * 0.9), half * 0.8, half * 0.8, wears.bottom))
        thing.append(ball((half * 0.6, high * 0.4), 0.025, wears.shoes))
    return thing


def balloon(draws: Draws, wears: Dress) -> Thing:
    """A round head that nobody holds."""
    radius = draws.number(0.1, 0.16)
    return [
        limb(
            (0, draws.number(0.0, 0.3)), (draws.number(-0.05, 0.05), 1 - radius), 0.008, wears.hair
        ),
        ball((0, 1 - radius), radius, wears.skin if draws.chance(0.5) else wears.top),
    ]


def luggage(draws: Draws, wears: Dress) -> Thing:
    """Cases, rolls and balls side by side, one of each colour."""
    thing: Thing = []
    x = -0.3
    for colour in draws.shuffled(wears):
        half, high = draws.number(0.04, 0.09), draws.number(0.1, 0.35)
        x += half
        if draws.chance(0.3):
            thing.append(ball((x, half), half, colour))
        else:
            thing.append(block((x, 0), (x, high), half, half, colour, 0.2, 0.008))
        x += half
    return thing
