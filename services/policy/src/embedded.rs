//! The files that are part of the program: packs, overlays for local law, calendars.

/// The packs, by id.
pub(crate) const PACKS: [(&str, &str); 3] = [
    ("CN-SGCC", include_str!("../packs/CN-SGCC.toml")),
    ("CN-CSG", include_str!("../packs/CN-CSG.toml")),
    ("AU-NERR", include_str!("../packs/AU-NERR.toml")),
];

/// Overlays for local law, by id; named behind a pack: `CN-SGCC+CN-LOCAL-1H`.
pub(crate) const OVERLAYS: [(&str, &str); 1] =
    [("CN-LOCAL-1H", include_str!("../packs/overlays/CN-LOCAL-1H.toml"))];

/// Calendars of working days, by id.
pub(crate) const CALENDARS: [(&str, &str); 2] = [
    ("CN", include_str!("../packs/calendars/CN.toml")),
    ("AU-NSW", include_str!("../packs/calendars/AU-NSW.toml")),
];

/// The text of this name.
pub(crate) fn text(of: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    of.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names, for a message.
pub(crate) fn names(of: &[(&str, &'static str)]) -> String {
    let names: Vec<_> = of.iter().map(|(known, _)| *known).collect();
    names.join(", ")
}
