//! One CSV row under its header, and the faults found in it.

use std::io::Read;
use std::str::FromStr;

use csv::{ByteRecord, StringRecord};

use crate::fault::Fault;
use crate::pack::words::Words;
use crate::phases::Phases;

/// Longest id, characters.
const ID_CHARS_MAX: usize = 100;

/// A type with a file of its own.
pub(crate) trait Record: Sized {
    const FILE: &'static str;
    const COLUMNS: &'static [&'static str];
    /// Those of them that may be missing; a file in which nobody has one is written without it.
    const OPTIONAL: &'static [&'static str] = &[];

    /// The row as a value; none when a fault was noted.
    fn read(row: &mut Row<'_>) -> Option<Self>;

    /// The value as a row, in the order of `COLUMNS`.
    fn fields(&self) -> Vec<String>;
}

/// Reads every row of `text` as it comes; `accept` takes a row over after checks against others.
pub(crate) fn read_table<T: Record>(
    text: impl Read,
    faults: &mut Vec<Fault>,
    mut accept: impl FnMut(&mut Row<'_>, T),
) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(256 << 10)
        .from_reader(text);
    let mut header = StringRecord::new();
    if !matches!(reader.read_record(&mut header), Ok(true)) {
        faults.push(fault(
            T::FILE,
            1,
            None,
            &format!("the first line must be {}", T::COLUMNS.join(",")),
        ));
        return;
    }
    let before = faults.len();
    let columns = header_columns::<T>(&header, faults);
    if faults.len() > before {
        return;
    }
    let mut raw = ByteRecord::new();
    // One record's memory serves them all; a row that is refused takes it along.
    loop {
        match reader.read_byte_record(&mut raw) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                let line = reader.position().line();
                let problem = format!("the file cannot be read on: {error}");
                return faults.push(fault(T::FILE, line, None, &problem));
            }
        }
        let line = raw.position().map_or(0, csv::Position::line);
        let Some(record) = checked::<T>(std::mem::take(&mut raw), header.len(), line, faults) else {
            continue;
        };
        let mut row = Row {
            file: T::FILE,
            line,
            record: &record,
            columns: &columns,
            faults,
        };
        if let Some(value) = T::read(&mut row) {
            accept(&mut row, value);
        }
        raw = record.into_byte_record();
    }
}

fn header_columns<T: Record>(header: &StringRecord, faults: &mut Vec<Fault>) -> Columns {
    let mut columns = Columns::new();
    for (at, name) in header.iter().enumerate() {
        let name = name.trim();
        match T::COLUMNS.iter().find(|column| **column == name) {
            None => faults.push(fault(
                T::FILE,
                1,
                Some(name),
                &format!("no such column; the columns are {}", T::COLUMNS.join(",")),
            )),
            Some(column) if place(&columns, column).is_some() => {
                faults.push(fault(
                    T::FILE,
                    1,
                    Some(name),
                    "the column is there twice; keep one",
                ));
            }
            Some(column) => columns.push((column, at)),
        }
    }
    for column in T::COLUMNS
        .iter()
        .filter(|column| place(&columns, column).is_none() && !T::OPTIONAL.contains(column))
    {
        faults.push(fault(
            T::FILE,
            1,
            Some(column),
            "the column is missing; add it, empty where unknown",
        ));
    }
    columns
}

/// Where each column is. Few enough that looking through them is faster than hashing a name per field.
type Columns = Vec<(&'static str, usize)>;

fn place(columns: &Columns, name: &str) -> Option<usize> {
    let found = columns.iter().find(|(column, _)| *column == name);
    found.map(|&(_, at)| at)
}

fn checked<T: Record>(
    raw: ByteRecord,
    width: usize,
    line: u64,
    faults: &mut Vec<Fault>,
) -> Option<StringRecord> {
    if raw.len() != width {
        let problem = format!(
            "the row has {} fields, the header {width}; quote fields with commas",
            raw.len()
        );
        faults.push(fault(T::FILE, line, None, &problem));
        return None;
    }
    let record = StringRecord::from_byte_record(raw);
    if record.is_err() {
        faults.push(fault(
            T::FILE,
            line,
            None,
            "the row is not UTF-8; save the file as UTF-8",
        ));
    }
    record.ok()
}

fn fault(file: &str, line: u64, column: Option<&str>, problem: &str) -> Fault {
    Fault {
        file: file.to_owned(),
        line: Some(line),
        column: column.map(|name| name.chars().take(ID_CHARS_MAX).collect()),
        problem: problem.to_owned(),
    }
}

/// One row, asked field by field. Every method notes a fault when it answers none.
pub(crate) struct Row<'a> {
    file: &'static str,
    line: u64,
    record: &'a StringRecord,
    columns: &'a Columns,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Row<'a> {
    fn raw(&self, column: &str) -> &'a str {
        place(self.columns, column)
            .and_then(|at| self.record.get(at))
            .unwrap_or("")
            .trim()
    }

    /// The field is empty, or the column is not there.
    pub(crate) fn is_empty(&self, column: &str) -> bool {
        self.raw(column).is_empty()
    }

    /// Notes a fault and answers none, so that a check can end with it.
    pub(crate) fn fault<T>(&mut self, column: &str, problem: &str) -> Option<T> {
        self.faults
            .push(fault(self.file, self.line, Some(column), problem));
        None
    }

    /// Text of at most `chars_max` characters, without control characters; may be empty.
    pub(crate) fn text(&mut self, column: &str, chars_max: usize) -> Option<String> {
        let text = self.raw(column);
        if text.chars().count() > chars_max {
            return self.fault(
                column,
                &format!("the text is too long; at most {chars_max} characters"),
            );
        }
        if text.chars().any(char::is_control) {
            return self.fault(column, "control characters are not allowed; remove them");
        }
        Some(text.to_owned())
    }

    /// As [`Row::text`], but not empty.
    pub(crate) fn filled(&mut self, column: &str, chars_max: usize) -> Option<String> {
        if self.raw(column).is_empty() {
            return self.fault(column, &format!("empty; write 1 to {chars_max} characters"));
        }
        self.text(column, chars_max)
    }

    /// An external id: no white space.
    pub(crate) fn id(&mut self, column: &str) -> Option<String> {
        let id = self.filled(column, ID_CHARS_MAX)?;
        if id.contains(char::is_whitespace) {
            return self.fault(column, "an id holds no white space; remove it");
        }
        Some(id)
    }

    /// One of the words of a type.
    pub(crate) fn word<T: Words>(&mut self, column: &str) -> Option<T> {
        let Ok(value) = self.raw(column).parse() else {
            let problem = format!(
                "{} is not allowed; write {}",
                self.quoted(column),
                T::WORDS.join(", ")
            );
            return self.fault(column, &problem);
        };
        Some(value)
    }

    /// `yes` or `no`.
    pub(crate) fn yes_no(&mut self, column: &str) -> Option<bool> {
        match self.raw(column) {
            "yes" => Some(true),
            "no" => Some(false),
            _ => {
                let problem = format!("{} is not allowed; write yes or no", self.quoted(column));
                self.fault(column, &problem)
            }
        }
    }

    /// Anything that can be parsed; `right` says what.
    pub(crate) fn parsed<T: FromStr>(&mut self, column: &str, right: &str) -> Option<T> {
        let Ok(value) = self.raw(column).parse() else {
            let problem = format!("{} is not allowed; write {right}", self.quoted(column));
            return self.fault(column, &problem);
        };
        Some(value)
    }

    /// A list of phases like `123`.
    pub(crate) fn phases(&mut self, column: &str) -> Option<Phases> {
        match self.raw(column).parse() {
            Ok(phases) => Some(phases),
            Err(error) => self.fault(column, &format!("{}: {error}", self.quoted(column))),
        }
    }

    /// A number from `least` to `most`; the inner none stands for an empty field.
    pub(crate) fn number(&mut self, column: &str, least: f64, most: f64) -> Option<Option<f64>> {
        let text = self.raw(column);
        if text.is_empty() {
            return Some(None);
        }
        match text.parse::<f64>() {
            Ok(value) if (least..=most).contains(&value) => Some(Some(value)),
            Ok(_) | Err(_) => {
                let problem = format!(
                    "{} is not allowed; write a number from {least} to {most}",
                    self.quoted(column)
                );
                self.fault(column, &problem)
            }
        }
    }

    /// The field in quotes, cut to a length that fits a message.
    fn quoted(&self, column: &str) -> String {
        let text: String = self.raw(column).chars().take(60).collect();
        format!("{text:?}")
    }

    /// The field is the id of something known, else a fault.
    pub(crate) fn known(&mut self, column: &str, is_known: bool, file: &str) -> bool {
        if !is_known {
            let problem = format!(
                "{} is not in {file} (or its row there is bad)",
                self.quoted(column)
            );
            self.fault::<()>(column, &problem);
        }
        is_known
    }

    /// The id was not used before, else a fault.
    pub(crate) fn fresh(&mut self, column: &str, is_fresh: bool) -> bool {
        if !is_fresh {
            let problem = format!(
                "{} is used twice; ids differ by more than case",
                self.quoted(column)
            );
            self.fault::<()>(column, &problem);
        }
        is_fresh
    }
}

/// `yes` or `no`.
pub(crate) fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// A number, or nothing.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |number| number.to_string())
}
