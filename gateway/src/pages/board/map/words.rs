//! Where the words of the map's symbols go: never over another symbol, over other words or out of the drawing. Words that
//! fit nowhere are left out; the lists beside and below the map have all of them.

use serde::Serialize;

/// Between words and what is beside them, units.
const GAP: f64 = 3.0;

/// Part of the drawing, units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    fn around(x: f64, y: f64, radius: f64) -> Self {
        Self {
            left: x - radius,
            top: y - radius,
            right: x + radius,
            bottom: y + radius,
        }
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_in(&self, outer: &Self) -> bool {
        self.left >= outer.left
            && self.right <= outer.right
            && self.top >= outer.top
            && self.bottom <= outer.bottom
    }
}

/// A symbol and its words.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Of the symbol, units.
    pub(super) radius: f64,
    pub(super) words: &'a str,
    /// Size of the letters, units.
    pub(super) letter: f64,
    /// Where the words should go, the best first.
    pub(super) sides: [Side; 4],
}

/// A side of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    Above,
    Right,
    Left,
    Below,
}

/// Where words are written, from the middle of their symbol: the base line, and which end of the text is there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spot {
    x: f64,
    y: f64,
    anchor: &'static str,
}

impl Wish<'_> {
    /// A Chinese letter is as wide as it is high, others a little over half of that.
    fn width(&self) -> f64 {
        let letter = |one: char| if one.is_ascii() { 0.63 } else { 1.0 };
        self.words.chars().map(letter).sum::<f64>() * self.letter
    }

    fn at(&self, side: Side) -> (Spot, Area) {
        let (off, width, letter) = (self.radius + GAP, self.width(), self.letter);
        let (x, y, anchor, left) = match side {
            Side::Above => (0.0, -off - 0.25 * letter, "middle", -width / 2.0),
            Side::Right => (off, 0.35 * letter, "start", off),
            Side::Left => (-off, 0.35 * letter, "end", -off - width),
            Side::Below => (0.0, off + 0.8 * letter, "middle", -width / 2.0),
        };
        let area = Area {
            left: self.x + left,
            top: self.y + y - 0.8 * letter,
            right: self.x + left + width,
            bottom: self.y + y + 0.25 * letter,
        };
        (Spot { x, y, anchor }, area)
    }
}

/// A place for the words of each, in their order: the first choose first. `taken` has what lies in the drawing already.
pub(super) fn place(wishes: &[Wish<'_>], drawing: Area, mut taken: Vec<Area>) -> Vec<Option<Spot>> {
    let symbols: Vec<Area> = wishes
        .iter()
        .map(|wish| Area::around(wish.x, wish.y, wish.radius))
        .collect();
    let mut spots = Vec::with_capacity(wishes.len());
    for (index, wish) in wishes.iter().enumerate() {
        let others = symbols.iter().enumerate().filter(|(other, _)| *other != index);
        let is_free = |area: &Area| {
            area.is_in(&drawing)
                && !others.clone().any(|(_, symbol)| symbol.meets(area))
                && !taken.iter().any(|there| there.meets(area))
        };
        let found = wish
            .sides
            .map(|side| wish.at(side))
            .into_iter()
            .find(|(_, area)| is_free(area));
        taken.extend(found.map(|(_, area)| area));
        spots.push(found.map(|(spot, _)| spot));
    }
    spots
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWING: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 400.0,
        bottom: 400.0,
    };

    fn wish(x: f64, y: f64, words: &str) -> Wish<'_> {
        Wish {
            x,
            y,
            radius: 10.0,
            words,
            letter: 20.0,
            sides: [Side::Right, Side::Left, Side::Below, Side::Above],
        }
    }

    fn anchors(wishes: &[Wish<'_>]) -> Vec<&'static str> {
        let spots = place(wishes, DRAWING, Vec::new());
        spots
            .iter()
            .map(|spot| spot.map_or("none", |spot| spot.anchor))
            .collect()
    }

    #[test]
    fn words_go_to_the_other_side_where_a_symbol_or_the_edge_is_in_the_way() {
        assert_eq!(anchors(&[wish(200.0, 200.0, "Crew 1")]), ["start"]);
        assert_eq!(anchors(&[wish(380.0, 200.0, "Crew 1")]), ["end"], "the edge");
        let close = [wish(200.0, 200.0, "Crew 1"), wish(240.0, 200.0, "Crew 2")];
        assert_eq!(anchors(&close), ["end", "start"], "each away from the other");
    }

    #[test]
    fn a_chinese_name_needs_more_room() {
        let beside = |words| anchors(&[wish(300.0, 200.0, words)])[0];
        assert_eq!((beside("123456"), beside("一二三四五六")), ("start", "end"));
    }

    #[test]
    fn the_first_choose_first_and_who_finds_no_room_says_nothing() {
        let crowd: Vec<Wish<'_>> = (0..12)
            .map(|n| {
                wish(
                    200.0 + 9.0 * f64::from(n % 4),
                    200.0 + 9.0 * f64::from(n / 4),
                    "Crew 12",
                )
            })
            .collect();
        let spots = place(&crowd, DRAWING, Vec::new());
        assert!(spots[0].is_some() && spots.iter().any(Option::is_none));
        let areas: Vec<Area> = crowd
            .iter()
            .flat_map(|wish| wish.sides.map(|side| wish.at(side)))
            .zip(spots.iter().flat_map(|spot| [*spot; 4]))
            .filter(|((spot, _), chosen)| Some(*spot) == *chosen)
            .map(|((_, area), _)| area)
            .collect();
        assert_eq!(areas.len(), spots.iter().flatten().count());
        for (index, area) in areas.iter().enumerate() {
            assert!(
                !areas[index + 1..].iter().any(|other| other.meets(area)),
                "{areas:?}"
            );
        }
    }

    #[test]
    fn what_lies_there_already_stays_readable() {
        let scale = Area {
            left: 210.0,
            top: 190.0,
            right: 300.0,
            bottom: 210.0,
        };
        let spot = place(&[wish(200.0, 200.0, "Crew 1")], DRAWING, vec![scale])[0];
        assert_eq!(spot.map(|spot| spot.anchor), Some("end"));
    }
}
