//! Where packs come from: the files that are part of the program, and files of this deployment beside them.
//!
//! A jurisdiction is a file: a pack, an overlay for local law or a calendar in a folder is known by its id like those that
//! ship. None of them takes the place of one that ships: an id that is in use is refused.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    Pack,
    embedded::{CALENDARS, OVERLAYS, PACKS},
    load::{self, Fault, LoadError},
};

type Texts = Vec<(String, Cow<'static, str>)>;

/// The section `policy` of the configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Section {
    /// Name of the pack, with overlays: `CN-SGCC+CN-LOCAL-1H`.
    pub pack: String,
    /// Folder with files of this deployment; empty: none.
    #[serde(default)]
    pub folder: String,
}

impl Section {
    /// The pack that rules here; every file of the folder is checked, used or not.
    ///
    /// # Errors
    /// [`FileError`] with the file and the leaf; [`FileError::Pack`] when the pack itself does not load.
    pub fn load(&self) -> Result<Pack, FileError> {
        let mut library = Library::shipped();
        if !self.folder.is_empty() {
            library.add_folder(Path::new(&self.folder))?;
        }
        library
            .load(&self.pack)
            .map_err(|error| FileError::Pack(self.pack.clone(), error))
    }
}

/// Why a file of this deployment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or may not be read.
    #[error("policy file {} cannot be read; check policy.folder and its permissions", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// What is wrong in it, with its place.
    #[error("policy file {}: {}", .0.display(), .1)]
    Wrong(PathBuf, LoadError),
    /// The pack that is asked for.
    #[error("policy.pack {}: {}", .0, .1)]
    Pack(String, LoadError),
}

/// Every pack, overlay and calendar there is, by id.
#[derive(Debug, Clone)]
pub struct Library {
    packs: Texts,
    overlays: Texts,
    calendars: Texts,
}

impl Library {
    /// Those that are part of the program.
    pub fn shipped() -> Self {
        let of = |all: &[(&str, &'static str)]| -> Texts {
            all.iter()
                .map(|(id, text)| ((*id).to_owned(), Cow::Borrowed(*text)))
                .collect()
        };
        Self {
            packs: of(&PACKS),
            overlays: of(&OVERLAYS),
            calendars: of(&CALENDARS),
        }
    }

    /// Adds every `.toml` file of `folder`, and checks each once all are there: they may name one another.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), FileError> {
        let read = |error| FileError::Read(folder.to_owned(), error);
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.extension().is_some_and(|end| end == "toml") {
                files.push(path);
            }
        }
        files.sort();
        self.add_files(&files).map(drop)
    }

    /// Adds these files, and checks each once all are there; gives their ids.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn add_files(&mut self, files: &[PathBuf]) -> Result<Vec<String>, FileError> {
        let mut texts = Vec::new();
        for path in files {
            let text = fs::read_to_string(path).map_err(|error| FileError::Read(path.clone(), error))?;
            let id = self
                .add(&text)
                .map_err(|error| FileError::Wrong(path.clone(), error))?;
            texts.push((path, id, text));
        }
        for (path, _, text) in &texts {
            self.check(text)
                .map_err(|error| FileError::Wrong((*path).clone(), error))?;
        }
        Ok(texts.into_iter().map(|(_, id, _)| id).collect())
    }

    /// Adds one text under the id it gives itself, unchecked beyond that.
    ///
    /// # Errors
    /// [`LoadError::Syntax`], or a fault when it says no id or one that is in use.
    pub fn add(&mut self, text: &str) -> Result<String, LoadError> {
        let table = load::parse(text)?;
        let id = match table.get("id").and_then(toml::Value::as_str) {
            Some(id) if is_id(id) => id.to_owned(),
            _ => {
                return Err(at_id(
                    "must be given, in letters, digits, - and _, such as CN-MY-CITY",
                ));
            }
        };
        let to = if table.contains_key("year") {
            &mut self.calendars
        } else if table.contains_key("over") {
            &mut self.overlays
        } else {
            &mut self.packs
        };
        if to.iter().any(|(known, _)| *known == id) {
            return Err(at_id(&format!("{id} is in use; choose another one")));
        }
        to.push((id.clone(), Cow::Owned(text.to_owned())));
        Ok(id)
    }

    /// The pack of this name, with overlays when the name says so: `CN-CSG+CN-LOCAL-1H`.
    ///
    /// # Errors
    /// [`LoadError::Unknown`] with the names there are; the others when the pack is broken.
    pub fn load(&self, name: &str) -> Result<Pack, LoadError> {
        let mut words = name.split('+');
        let base = known(&self.packs, words.next().unwrap_or_default())?;
        let overlays = words
            .map(|word| known(&self.overlays, word))
            .collect::<Result<Vec<_>, _>>()?;
        load::read(self, base, &overlays)
    }

    /// The names [`Library::load`] knows, packs first, then each overlay over the packs it is written for.
    pub fn names(&self) -> Vec<String> {
        let packs = self.packs.iter().map(|(id, _)| id.clone());
        let over = self.overlays.iter().flat_map(|(overlay, _)| {
            self.packs
                .iter()
                .map(move |(pack, _)| format!("{pack}+{overlay}"))
        });
        packs.chain(over.filter(|name| self.load(name).is_ok())).collect()
    }

    /// Every fault of one file: a pack, an overlay (over each pack it names) or a calendar.
    ///
    /// # Errors
    /// [`LoadError::Syntax`] or every fault at once.
    pub fn check(&self, text: &str) -> Result<(), LoadError> {
        load::check(self, text)
    }

    pub(crate) fn pack(&self, id: &str) -> Result<&str, LoadError> {
        known(&self.packs, id)
    }

    pub(crate) fn calendar(&self, id: &str) -> Result<&str, LoadError> {
        known(&self.calendars, id).map_err(|_| {
            let problem = format!(
                "there is no calendar {id:?}; there are {}",
                names(&self.calendars)
            );
            LoadError::Faults(vec![Fault::new("calendar", problem)])
        })
    }
}

fn at_id(problem: &str) -> LoadError {
    LoadError::Faults(vec![Fault::new("id", problem)])
}

/// A name as it stands behind `+` and in the rule of every answer.
fn is_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !id.is_empty() && id.len() <= 40 && id.chars().all(fits)
}

fn known<'a>(of: &'a Texts, id: &str) -> Result<&'a str, LoadError> {
    let found = of
        .iter()
        .find(|(known, _)| known == id)
        .map(|(_, text)| text.as_ref());
    found.ok_or_else(|| LoadError::Unknown(id.to_owned(), names(of)))
}

fn names(of: &Texts) -> String {
    let names: Vec<_> = of.iter().map(|(id, _)| id.as_str()).collect();
    names.join(", ")
}
