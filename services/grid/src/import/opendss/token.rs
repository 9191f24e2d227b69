//! Lines into parameters: `name=value` or a bare value, quoted by any of five pairs.

/// One parameter of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Param {
    /// In lower case; none for a positional value.
    pub(super) name: Option<String>,
    /// Without its quotes.
    pub(super) value: String,
}

/// The parameters of a line.
///
/// # Errors
/// A quote that is not closed.
pub(super) fn params(line: &str) -> Result<Vec<Param>, String> {
    let mut rest = without_comment(line);
    let mut params = Vec::new();
    loop {
        rest = rest.trim_start_matches(is_delimiter);
        if rest.is_empty() {
            return Ok(params);
        }
        let (first, after) = word(rest)?;
        let after = after.trim_start();
        match after.strip_prefix('=') {
            Some(after) => {
                let (value, after) = word(after.trim_start())?;
                params.push(Param {
                    name: Some(first.to_lowercase()),
                    value: value.to_owned(),
                });
                rest = after;
            }
            None => {
                params.push(Param {
                    name: None,
                    value: first.to_owned(),
                });
                rest = after;
            }
        }
    }
}

/// The values of an array property: separated by white space, commas or bars, each perhaps quoted.
pub(super) fn array(value: &str) -> Vec<String> {
    let mut rest = value;
    let mut values = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c| is_delimiter(c) || c == '|');
        if rest.is_empty() {
            return values;
        }
        let Ok((value, after)) = word(rest) else {
            return values;
        };
        // A stray `=` is no word and must not stop the reading.
        rest = if after.len() == rest.len() {
            &rest[1..]
        } else {
            after
        };
        if !value.is_empty() {
            values.push(value.to_owned());
        }
    }
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || c == ','
}

fn closing(open: char) -> Option<char> {
    match open {
        '"' => Some('"'),
        '\'' => Some('\''),
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

/// One word, quoted or not, and what follows it.
fn word(text: &str) -> Result<(&str, &str), String> {
    let Some(close) = text.chars().next().and_then(closing) else {
        let end = text.find(|c| is_delimiter(c) || c == '=').unwrap_or(text.len());
        return Ok(text.split_at(end));
    };
    match text[1..].find(close) {
        Some(end) => Ok((&text[1..1 + end], &text[end + 2..])),
        None => Err(format!("a quote is not closed; end it with {close}")),
    }
}

/// The line up to `!` or `//` outside quotes.
fn without_comment(line: &str) -> &str {
    let mut close = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match close {
            Some(wanted) if c == wanted => close = None,
            Some(_) => {}
            None if c == '!' => return &line[..at],
            None if c == '/' && before == '/' => return &line[..at - 1],
            // Within a word a quote is a sign like any other: `line.o'brien`.
            None if is_delimiter(before) || before == '=' => close = closing(c),
            None => {}
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<String> {
        let show = |p: Param| format!("{}={}", p.name.unwrap_or_default(), p.value);
        params(line).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn values_are_named_positional_or_quoted() {
        assert_eq!(
            shown("New Line.A Bus1 = x.1.2, r=(1 2 +) \"b c\" ! rest"),
            ["=New", "=Line.A", "bus1=x.1.2", "r=1 2 +", "=b c"]
        );
        assert_eq!(shown("a // b"), ["=a"]);
        assert_eq!(shown("linecode=4/0Triplex"), ["linecode=4/0Triplex"]);
        assert_eq!(
            shown("new line.o'brien b(1) bus1=x.1 ! it's phases=1"),
            ["=new", "=line.o'brien", "=b(1)", "bus1=x.1"]
        );
        assert_eq!(shown("  , "), Vec::<String>::new());
    }

    #[test]
    fn an_open_quote_is_an_error() {
        assert!(params("New \"Line.A").unwrap_err().contains("not closed"));
    }

    #[test]
    fn arrays_split_on_every_delimiter() {
        assert_eq!(array("a.1, b.2 | 'c d' =e"), ["a.1", "b.2", "c d", "e"]);
    }
}
