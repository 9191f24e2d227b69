//! Runs script files line by line.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::Place;
use super::circuit::Circuit;
use super::command::{Cursor, Then, Wrong, apply};
use super::object::one_word;
use super::token::{Param, array, params};
use crate::fault::Fault;
use crate::import::text::Text;

/// Deepest chain of redirects: a file that redirects to itself ends here.
const DEPTH_MAX: usize = 16;
/// Most files run, so that two files that redirect to each other twice end soon. A region of some hundred feeders, each in a
/// dozen files, is less.
const FILES_MAX: usize = 10_000;

/// Variables that OpenDSS has by itself: what it wrote last. They matter to commands that show something.
const OWN_VARIABLES: [&str; 7] = [
    "lastfile",
    "lastexportfile",
    "lastshowfile",
    "lastplotfile",
    "lastredirectfile",
    "lastcompilefile",
    "result",
];

/// Gives a file's text by its path relative to the entry's folder.
type FileOf<'f, 'a> = &'f mut dyn FnMut(&Path) -> io::Result<Text<'a>>;

pub(super) struct Script<'f, 'a> {
    file: FileOf<'f, 'a>,
    circuit: Circuit,
    cursor: Cursor,
    faults: Vec<Fault>,
    ignored: BTreeMap<String, usize>,
    /// Values of `@name`.
    variables: HashMap<String, String>,
    may_leave: bool,
    depth: usize,
    files: usize,
    in_comment: bool,
}

impl<'f, 'a> Script<'f, 'a> {
    pub(super) fn new(file: FileOf<'f, 'a>) -> Self {
        Script {
            file,
            circuit: Circuit::default(),
            cursor: Cursor::default(),
            faults: Vec::new(),
            ignored: BTreeMap::new(),
            variables: OWN_VARIABLES.map(|name| (name.to_owned(), String::new())).into(),
            may_leave: false,
            depth: 0,
            files: 0,
            in_comment: false,
        }
    }

    /// Lets redirects go above the entry's folder.
    pub(super) fn that_may_leave_its_folder(self) -> Self {
        Script {
            may_leave: true,
            ..self
        }
    }

    /// The circuit, what was wrong, and what was passed over.
    pub(super) fn finish(self) -> (Circuit, Vec<Fault>, Vec<String>) {
        let note = |(what, count)| format!("{what:.200} was passed over {count} time(s)");
        (
            self.circuit,
            self.faults,
            self.ignored.into_iter().map(note).collect(),
        )
    }

    pub(super) fn run(&mut self, path: &Path) {
        let start = Place {
            file: Rc::from(path.to_string_lossy()),
            line: 1,
        };
        self.run_from(path, &start);
    }

    fn run_from(&mut self, path: &Path, from: &Place) {
        let Some(mut text) = self.text(path, from) else {
            return;
        };
        let file: Rc<str> = Rc::from(path.to_string_lossy());
        let mut folder = path.parent().map(Path::to_owned).unwrap_or_default();
        self.depth += 1;
        let (mut raw, mut place) = (Vec::new(), Place { file, line: 0 });
        loop {
            raw.clear();
            place.line += 1;
            match text.read_until(b'\n', &mut raw) {
                Ok(0) => break,
                Ok(_) => self.line(&String::from_utf8_lossy(&raw), &mut folder, &place),
                Err(error) => {
                    let problem = format!("the file cannot be read on: {error}");
                    self.faults.push(place.fault(None, problem));
                    break;
                }
            }
        }
        self.depth -= 1;
        self.in_comment = false;
    }

    /// The text of a file that may be run here.
    fn text(&mut self, path: &Path, from: &Place) -> Option<Text<'a>> {
        self.files += 1;
        let refused = if self.depth >= DEPTH_MAX || self.files > FILES_MAX {
            format!(
                "redirects go deeper than {DEPTH_MAX} or to more than {FILES_MAX} files; is there a circle?"
            )
        } else {
            match (self.file)(path) {
                Ok(text) => return Some(text),
                Err(error) if holds_codes(path) => {
                    let note = format!(
                        "{from}: {} cannot be read ({error}); codes are not needed",
                        path.display()
                    );
                    self.circuit.note(note);
                    return None;
                }
                Err(error) => format!("the file {} cannot be read: {error}", path.display()),
            }
        };
        self.faults.push(from.fault(None, refused));
        None
    }

    fn line(&mut self, line: &str, folder: &mut PathBuf, place: &Place) {
        let Some(line) = self.outside_comment(line) else {
            return;
        };
        let line = match line.strip_prefix('~') {
            Some(rest) => format!("more {rest}"),
            None => line.to_owned(),
        };
        let then = params(&line)
            .map_err(|problem| (None, problem))
            .and_then(|params| self.apply(params, place));
        match then {
            Ok(then) => self.follow(then, folder, place),
            Err((column, problem)) => self.faults.push(place.fault(column.as_deref(), problem)),
        }
    }

    fn apply(&mut self, mut params: Vec<Param>, place: &Place) -> Result<Then, Wrong> {
        if unreadable(&params) {
            return Err((None, "the line is not UTF-8; save the file as UTF-8".to_owned()));
        }
        let is_var = params
            .first()
            .is_some_and(|verb| verb.name.is_none() && verb.value.eq_ignore_ascii_case("var"));
        if is_var {
            for param in &params[1..] {
                let name = param.name.clone().unwrap_or_default();
                self.variables
                    .insert(name.trim_start_matches('@').to_owned(), param.value.clone());
            }
            return Ok(Then::Done);
        }
        for param in &mut params {
            if param.value.contains('@') {
                param.value =
                    with_variables(&param.value, &self.variables).map_err(|problem| (None, problem))?;
            }
        }
        apply(&mut self.circuit, &mut self.cursor, &params, place)
    }

    /// The line unless it belongs to a block comment: from a line that begins with `/*` to the one with
    /// `*/`, both whole, as OpenDSS has it.
    fn outside_comment<'t>(&mut self, line: &'t str) -> Option<&'t str> {
        let line = line.trim().trim_start_matches('\u{feff}');
        let belongs = self.in_comment || line.starts_with("/*");
        self.in_comment = belongs && !line.contains("*/");
        (!belongs).then_some(line)
    }

    fn follow(&mut self, then: Then, folder: &mut PathBuf, place: &Place) {
        if let Err(problem) = self.try_follow(then, folder, place) {
            self.faults.push(place.fault(None, problem));
        }
    }

    fn try_follow(&mut self, then: Then, folder: &mut PathBuf, place: &Place) -> Result<(), String> {
        match then {
            Then::Done => {}
            Then::Ignored(command) => *self.ignored.entry(command).or_default() += 1,
            Then::Run(name) => match self.inside(folder, &name) {
                Err(problem) if holds_codes(Path::new(&name)) => {
                    let note = format!("{place}: {problem}; codes are not needed");
                    self.circuit.note(note);
                }
                path => self.run_from(&path?, place),
            },
            Then::Compile(name) => {
                let path = self.inside(folder, &name)?;
                self.run_from(&path, place);
                *folder = path.parent().map(Path::to_owned).unwrap_or_default();
            }
            // Files are looked for where the script is: its author's folders are not here.
            Then::Folder(name) => match self.inside(folder, &name) {
                Ok(path) => *folder = path,
                Err(problem) => self
                    .circuit
                    .note(format!("{place}: {problem}; the folder stays as it is")),
            },
            Then::Coordinates(name, latitude_first) => match self.inside(folder, &name) {
                Ok(path) => self.coordinates(&path, latitude_first, place),
                Err(problem) => self.circuit.note(format!("{place}: {problem}")),
            },
        }
        Ok(())
    }

    /// The path of `name` seen from `folder`, if it stays in the entry's folder.
    fn inside(&self, folder: &Path, name: &str) -> Result<PathBuf, String> {
        let mut path = PathBuf::new();
        for part in folder.join(name.replace('\\', "/")).components() {
            let inside = match part {
                Component::Normal(part) => {
                    path.push(part);
                    true
                }
                Component::CurDir => true,
                // Above the start `..` adds up; `pop` would take away another `..`.
                Component::ParentDir if self.may_leave && path.file_name().is_none() => {
                    path.push("..");
                    true
                }
                Component::ParentDir => path.pop(),
                Component::RootDir | Component::Prefix(_) => false,
            };
            if !inside {
                return Err(format!(
                    "{name:.80?} is outside the folder of the first file; move it in"
                ));
            }
        }
        Ok(path)
    }

    /// Reads `bus, x, y` or `bus, latitude, longitude` lines. Later files win. Places have no say in what is
    /// connected: a line that is none is passed over with a note.
    fn coordinates(&mut self, path: &Path, latitude_first: bool, from: &Place) {
        let mut bytes = Vec::new();
        let read = (self.file)(path).and_then(|mut text| text.read_to_end(&mut bytes));
        if read.is_err() {
            let note = format!("{from}: the coordinates in {} cannot be read", path.display());
            return self.circuit.note(note);
        }
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = line.split(['!']).next().unwrap_or_default();
            let fields = array(line.split("//").next().unwrap_or_default());
            let [bus, a, b, ..] = fields.as_slice() else {
                continue;
            };
            match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => {
                    let at = if latitude_first { (b, a) } else { (a, b) };
                    self.circuit.coordinates.insert(one_word(&bus.to_lowercase()), at);
                }
                _ => {
                    let what = format!("a line without coordinates in {}", path.display());
                    *self.ignored.entry(what).or_default() += 1;
                }
            }
        }
    }
}

/// Does a file, by its name, hold nothing but codes of lines.
fn holds_codes(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_lowercase().contains("linecode")
}

/// `value` with every `@name` at the beginning of a word replaced; what follows a `.` stays.
fn with_variables(value: &str, variables: &HashMap<String, String>) -> Result<String, String> {
    let mut replaced = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('@') {
        let begins_word = rest[..at]
            .chars()
            .next_back()
            .is_none_or(|before| " \t,|[(\"'".contains(before));
        let after = &rest[at + 1..];
        if !begins_word {
            replaced.push_str(&rest[..=at]);
            rest = after;
            continue;
        }
        let end = after
            .find(|c: char| c.is_whitespace() || ",.|])\"'".contains(c))
            .unwrap_or(after.len());
        let name = after[..end].to_lowercase();
        let Some(known) = variables.get(&name) else {
            return Err(format!("the variable @{name:.40} has no value; set it with var"));
        };
        replaced.push_str(&rest[..at]);
        replaced.push_str(known);
        rest = &after[end..];
    }
    replaced.push_str(rest);
    Ok(replaced)
}

fn unreadable(params: &[super::token::Param]) -> bool {
    let bad = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    params
        .iter()
        .any(|param| bad(&param.value) || param.name.as_deref().is_some_and(bad))
}
