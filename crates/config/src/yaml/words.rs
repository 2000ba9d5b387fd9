//! What is wrong with a text that is not YAML, in our words and not in those of its parser.

use granit_parser::ErrorKind;

use crate::syntax_help::CLOSE_LIST;

const LEVEL: &str = "what belongs together begins in the same column, by blanks";
const QUOTES: &str = "write a text with such a character in quotes";
const ESCAPED: &str = r"leave it out, or write it in double quotes by its number, as `\x7f`";
const CLOSE_TEXT_ALONE: &str =
    "end the text with the quote that it begins with, and nothing behind it";
const VALUE: &str = "a line is a key and a value, as in `name: api`";
const ANCHOR: &str = "`&name` before a value gives it a name, and `*name` further down means it";
/// What to do with a tag, which this reader has no use for.
pub(super) const TAG: &str = "leave the tag out: a text, a number or a list needs none";

/// Returns what is wrong, and what to do where that is known.
pub(super) fn words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    use ErrorKind as Kind;
    let (said, help) = match kind {
        Kind::UnclosedFlowCollection { open } => {
            return (format!("this `{open}` is not closed"), Some(CLOSE_LIST));
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), Some(CLOSE_LIST));
        }
        Kind::UnexpectedCharacter { character } => {
            let shown = ostler_text::shown(&character.to_string()).into_owned();
            return match character.is_control() {
                true => (format!("`{shown}` stands in no text of YAML as it is"), Some(ESCAPED)),
                false => (format!("no value begins with `{shown}`"), Some(QUOTES)),
            };
        }
        Kind::MisplacedFlowCollectionEnd => ("nothing is open that this closes", Some(QUOTES)),
        Kind::UnexpectedEofFlowSequence => ("a `[` is not closed", Some(CLOSE_LIST)),
        Kind::UnexpectedEofFlowMapping | Kind::UnexpectedEofImplicitFlowMapping => {
            ("a `{` is not closed", Some(CLOSE_LIST))
        }
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar => {
            ("this text has no closing quote", Some(CLOSE_TEXT_ALONE))
        }
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            ("something stands behind the closing quote of a text", Some(CLOSE_TEXT_ALONE))
        }
        Kind::UnexpectedEof
        | Kind::UnexpectedEofBlockSequence
        | Kind::UnexpectedEofBlockMapping
        | Kind::ExpectedNodeContent => ("a value is missing here", Some(VALUE)),
        Kind::ExpectedFlowMappingSeparator => ("a `,` or `}` is missing here", Some(CLOSE_LIST)),
        Kind::ExpectedFlowSequenceSeparator => ("a `,` or `]` is missing here", Some(CLOSE_LIST)),
        Kind::ExpectedBlockMappingKey | Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            ("a key with its `:` is missing here", Some(LEVEL))
        }
        Kind::MappingValueNotAllowed | Kind::MappingKeyNotAllowed => (
            "a key cannot stand here",
            Some("a text in which a `:` and a blank stand is written in quotes"),
        ),
        Kind::ExpectedBlockSequenceEntry => {
            ("an item of a list (`- `) must stand here", Some(LEVEL))
        }
        Kind::BlockSequenceEntryNotAllowed | Kind::BlockEntryInFlowCollection => {
            ("an item of a list (`- `) cannot stand here", Some(LEVEL))
        }
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::TabInPlainScalar => ("a tab stands where blanks must", Some("write blanks")),
        Kind::InvalidIndentation
        | Kind::InvalidQuotedScalarIndent
        | Kind::InvalidFlowScalarIndent
        | Kind::InvalidBlockScalarIndent => ("this line begins in the wrong column", Some(LEVEL)),
        Kind::UnknownAnchor => ("no anchor (`&`) has this name", Some(ANCHOR)),
        Kind::MissingAnchorOrAliasName => {
            ("the name of an anchor or alias is missing", Some(ANCHOR))
        }
        Kind::UndeclaredTagHandle => ("the tag means nothing here", Some(TAG)),
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidUnicodeEscape => (
            "`\\` and what follows mean nothing in a text",
            Some("write `\\\\`, or the text in single quotes"),
        ),
        Kind::RecursionLimitExceeded => {
            ("values stand too deep in each other", Some("an app needs three levels"))
        }
        Kind::DirectiveDisallowed
        | Kind::MissingYamlVersionSeparator
        | Kind::MissingYamlVersion
        | Kind::MissingDirectiveName
        | Kind::InvalidDirectiveName
        | Kind::UnsupportedYamlMajorVersion => (
            "a line that begins with `%` means nothing here",
            Some("leave it out, or write the text in quotes"),
        ),
        _ => ("what stands here is not YAML", Some(QUOTES)),
    };
    (said.to_owned(), help)
}
