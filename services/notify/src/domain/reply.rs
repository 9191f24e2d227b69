//! What people answer (operations.md O21). Only whole words mean something, each for one purpose; a bare digit, "yes", "no", or a
//! word among others, does not.

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// To a message about a debt: the number is somebody else's.
    WrongPerson,
    /// To "is supply back?": it is.
    Back,
    /// It is not.
    StillOff,
}

/// The words, in capitals and with single spaces.
const WORDS: [(&str, Meaning); 8] = [
    ("非本人", Meaning::WrongPerson),
    ("WRONG", Meaning::WrongPerson),
    ("已来电", Meaning::Back),
    ("BACK ON", Meaning::Back),
    ("仍停电", Meaning::StillOff),
    ("仍无电", Meaning::StillOff),
    ("STILL OFF", Meaning::StillOff),
    ("STILLOFF", Meaning::StillOff),
];

/// What an answer says; none: a person reads it.
pub fn meaning(text: &str) -> Option<Meaning> {
    let said = text.trim_matches(|c: char| !c.is_alphanumeric());
    let said: Vec<&str> = said.split_whitespace().collect();
    let said = said.join(" ").to_uppercase();
    WORDS
        .iter()
        .find(|(word, _)| *word == said)
        .map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_themselves_mean_it() {
        let table = [
            (
                Meaning::WrongPerson,
                ["非本人", " 非本人。", "“非本人”", "WRONG", "wrong\n", "Wrong!"],
            ),
            (
                Meaning::Back,
                [
                    "已来电",
                    "已来电！",
                    "BACK ON",
                    "back on.",
                    " Back  on",
                    "\"back on\"",
                ],
            ),
            (
                Meaning::StillOff,
                [
                    "仍停电",
                    "仍无电。",
                    "STILL OFF",
                    "still  off!",
                    "StillOff",
                    " still off\n",
                ],
            ),
        ];
        for (right, said) in table {
            for text in said {
                assert_eq!(meaning(text), Some(right), "{text}");
            }
        }
        for no in [
            "",
            "1",
            "0",
            "本人",
            "我非本人吗",
            "what is wrong",
            "WRONG NUMBER?",
            "不是",
            "STOP",
            "yes",
            "no",
            "是",
            "没有",
            "back",
            "off",
            "still",
            "not still off",
            "我家仍停电吗",
            "还没来电",
        ] {
            assert_eq!(meaning(no), None, "{no}");
        }
    }

    #[test]
    fn each_word_has_one_meaning_and_is_written_as_it_is_compared() {
        for (word, meant) in WORDS {
            assert_eq!(meaning(word), Some(meant), "{word}");
        }
    }
}
