//! A jurisdiction is a file: packs, overlays and calendars of a deployment, and what is said of one that is wrong.

use std::{fs, path::PathBuf};

use relight_policy::{Library, Section};

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, String)]) -> Self {
        let path = std::env::temp_dir().join(format!("relight-policy-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        for (file, text) in files {
            fs::write(path.join(file), text).expect("a file can be written");
        }
        Self(path)
    }

    fn load(&self, pack: &str) -> Result<String, String> {
        let section = Section {
            pack: pack.to_owned(),
            folder: self.0.display().to_string(),
        };
        let loaded = section.load().map(|pack| pack.id().to_owned());
        loaded.map_err(|error| error.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The Australian pack for another state: an id, a calendar of its own.
fn state() -> String {
    let text = include_str!("../../packs/AU-NERR.toml");
    text.replace("id = \"AU-NERR\"", "id = \"AU-QLD\"")
        .replace("calendar = \"AU-NSW\"", "calendar = \"AU-QLD\"")
}

fn calendar() -> String {
    include_str!("../../packs/calendars/AU-NSW.toml").replace("id = \"AU-NSW\"", "id = \"AU-QLD\"")
}

fn city() -> String {
    include_str!("../../packs/overlays/CN-LOCAL-1H.toml").replace("id = \"CN-LOCAL-1H\"", "id = \"CN-CITY\"")
}

#[test]
fn a_pack_a_calendar_and_an_overlay_of_a_folder_are_known_by_their_ids() {
    let files = [
        ("a.toml", state()),
        ("b.toml", calendar()),
        ("city.toml", city()),
        ("notes.txt", "no pack".to_owned()),
    ];
    let folder = Folder::with("own", &files);
    assert_eq!(folder.load("AU-QLD"), Ok("AU-QLD".to_owned()));
    assert_eq!(folder.load("CN-CSG+CN-CITY"), Ok("CN-CSG+CN-CITY".to_owned()));
    assert_eq!(folder.load("CN-SGCC"), Ok("CN-SGCC".to_owned()));
    let mut library = Library::shipped();
    library.add_folder(&folder.0).expect("good files");
    let names = library.names();
    assert!(
        names.contains(&"AU-QLD".to_owned()) && names.contains(&"CN-SGCC+CN-CITY".to_owned()),
        "{names:?}"
    );
}

/// What it is, the files, the pack asked for, and what is said.
type Case = (
    &'static str,
    Vec<(&'static str, String)>,
    &'static str,
    &'static [&'static str],
);

/// Each file is checked whether it is used or not, and the message names the file, the leaf and what is right.
#[test]
fn what_is_wrong_in_a_file_is_told_with_its_file_and_leaf() {
    let cases: [Case; 6] = [
        (
            "leaf",
            vec![
                (
                    "x.toml",
                    state().replace("unit = \"business_days\"", "unit = \"days\""),
                ),
                ("y.toml", calendar()),
            ],
            "CN-SGCC",
            &["x.toml", "planned.lead.law", "business_days"],
        ),
        (
            "calendar",
            vec![("x.toml", state())],
            "CN-SGCC",
            &["x.toml", "there is no calendar \"AU-QLD\"", "AU-NSW"],
        ),
        (
            "toml",
            vec![("x.toml", "id = = 3".to_owned())],
            "CN-SGCC",
            &["x.toml", "not TOML"],
        ),
        (
            "id",
            vec![("x.toml", include_str!("../../packs/CN-CSG.toml").to_owned())],
            "CN-SGCC",
            &["x.toml", "id: CN-CSG is in use"],
        ),
        (
            "none",
            vec![("x.toml", city().replace("id = \"CN-CITY\"", "id = \"CN+CITY\""))],
            "CN-SGCC",
            &["x.toml", "id: must be given"],
        ),
        (
            "unknown",
            vec![("city.toml", city())],
            "CN-SGCC+CN-TOWN",
            &["policy.pack CN-SGCC+CN-TOWN", "CN-CITY"],
        ),
    ];
    for (name, files, pack, parts) in cases {
        let said = Folder::with(name, &files).load(pack).expect_err(name);
        for part in parts {
            assert!(said.contains(part), "{name}: {said}");
        }
    }
    let gone = Section {
        pack: "CN-SGCC".to_owned(),
        folder: "/nowhere/at/all".to_owned(),
    };
    let said = gone.load().expect_err("no folder").to_string();
    assert!(
        said.contains("/nowhere/at/all") && said.contains("policy.folder"),
        "{said}"
    );
}
