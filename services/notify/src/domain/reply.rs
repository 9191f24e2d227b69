//! What people answer (operations.md O21). Only whole words mean something; a bare digit, or a word among others, does not.

/// Whether an answer to a message about a debt says that the number is somebody else's.
pub fn is_wrong_person(text: &str) -> bool {
    let said = text.trim_matches(|c: char| !c.is_alphanumeric());
    said == "非本人" || said.eq_ignore_ascii_case("wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_themselves_mean_it() {
        for yes in ["非本人", " 非本人。", "“非本人”", "WRONG", "wrong\n", "Wrong!"] {
            assert!(is_wrong_person(yes), "{yes}");
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
        ] {
            assert!(!is_wrong_person(no), "{no}");
        }
    }
}
