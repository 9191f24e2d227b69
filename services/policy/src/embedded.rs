//! The files that are part of the program: packs, overlays for local law, calendars.

/// The packs, by id.
pub(crate) const PACKS: [(&str, &str); 3] = [
    ("CN-SGCC", include_str!("../packs/CN-SGCC.toml")),
    ("CN-CSG", include_str!("../packs/CN-CSG.toml")),
    ("AU-NERR", include_str!("../packs/AU-NERR.toml")),
];

/// Overlays for local law, by id; named behind a pack: `CN-SGCC+CN-LOCAL-1H`.
pub(crate) const OVERLAYS: [(&str, &str); 2] = [
    ("CN-LOCAL-1H", include_str!("../packs/overlays/CN-LOCAL-1H.toml")),
    ("CN-GRADING", include_str!("../packs/overlays/CN-GRADING.toml")),
];

/// Calendars of working days, by id.
pub(crate) const CALENDARS: [(&str, &str); 2] = [
    ("CN", include_str!("../packs/calendars/CN.toml")),
    ("AU-NSW", include_str!("../packs/calendars/AU-NSW.toml")),
];
