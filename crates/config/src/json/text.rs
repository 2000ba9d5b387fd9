//! Texts between quotes.

use super::{IS_CODE, Parser, SyntaxError};
use crate::value::Span;

impl Parser<'_> {
    pub(super) fn quoted(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let quote = self.bump();
        let mut out = String::new();
        loop {
            match self.bump() {
                found if found.is_some() && found == quote => return Ok(out),
                Some('\\') => self.escape(&mut out)?,
                Some('$') if quote == Some('`') && self.peek() == Some('{') => {
                    let span = Span { start: self.at - 1, end: self.at + 1 };
                    let message = "a template with `${…}` is code".to_owned();
                    return Err(SyntaxError { message, span, help: Some(IS_CODE) });
                }
                Some('\n') if quote != Some('`') => {
                    return Err(self.unclosed_text(start, self.at - 1));
                }
                None => return Err(self.unclosed_text(start, self.at)),
                Some(other) => out.push(other),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), SyntaxError> {
        let start = self.at - 1;
        let plain = match self.bump() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some('0') => '\0',
            Some('\n') => return Ok(()),
            Some('\r') => {
                if self.peek() == Some('\n') {
                    self.at += 1;
                }
                return Ok(());
            }
            Some('x') => self.code_point(start, 2)?,
            Some('u') => self.code_point(start, 4)?,
            Some(other) => other,
            None => return Err(self.unclosed_text(start, self.at)),
        };
        out.push(plain);
        Ok(())
    }

    fn code_point(&mut self, start: usize, digits: usize) -> Result<char, SyntaxError> {
        let high = self.hex(start, digits)?;
        let code = if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
            self.at += 2;
            let low = self.hex(start, 4)?;
            0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff)
        } else {
            high
        };
        // Half a surrogate pair is legal in JavaScript but is no character.
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self, start: usize, digits: usize) -> Result<u32, SyntaxError> {
        let found =
            self.rest().get(..digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = found.and_then(|text| u32::from_str_radix(text, 16).ok()) else {
            let message = format!("expected {digits} hexadecimal digits in this escape");
            return Err(SyntaxError {
                message,
                span: Span { start, end: self.at },
                help: Some("write a plain backslash as `\\\\`"),
            });
        };
        self.at += digits;
        Ok(code)
    }
}
