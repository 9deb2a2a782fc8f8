/// Splits a statement as MariaDB's lexer does, as far as placeholders go: strings, quoted names
/// and comments are passed over whole.
///
/// It gives up rather than guess, and what it says is so in every `sql_mode`: that of the session is
/// not known for certain. Once a stored function has set `NO_BACKSLASH_ESCAPES` or `ANSI_QUOTES` for
/// itself, MariaDB 10.11 and 11.8 go on to show them in their status and do not read by them.
///
/// The statement must be UTF-8 on the wire: in character sets such as gbk a byte of a character may
/// look like a quote or a backslash.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    sql: &'a str,
    position: usize,
    plain_from: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Token<'a> {
    /// A `?`.
    Placeholder { at: usize },
    /// A `:` that does not belong to `:=`, and the name behind it, if one is there.
    Colon { at: usize, name: &'a str },
}

/// What a statement is made of, as far as it is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lexeme<'a> {
    /// A stretch of letters, digits, `_`, `$` and what is not ASCII: a keyword, a name, a number.
    Word(&'a str),
    /// A string, or a name between quotes.
    Quoted,
    /// A character that is none of the others.
    Symbol(u8),
    Token(Token<'a>),
}

/// The byte from which on it is not certain what the statement says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unclear {
    pub(crate) at: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `sql`.
    pub(crate) const fn new(sql: &'a str) -> Self {
        Self {
            sql,
            position: 0,
            plain_from: 0,
        }
    }

    /// From here on up to the latest token nothing is part of a string, a quoted name or a comment.
    pub(crate) const fn plain_from(&self) -> usize {
        self.plain_from
    }

    /// Where what comes next begins.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// The next token, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, Unclear> {
        loop {
            match self.lexeme()? {
                Some(Lexeme::Token(token)) => return Ok(Some(token)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// What comes next, white space and comments apart, or `None` at the end.
    pub(crate) fn lexeme(&mut self) -> Result<Option<Lexeme<'a>>, Unclear> {
        loop {
            let at = self.position;
            let Some(byte) = self.take() else {
                return Ok(None);
            };
            let (clear, lexeme) = match byte {
                b'?' if self.peek(0).is_none_or(|next| !is_name_byte(next)) => {
                    (true, Some(Lexeme::Token(Token::Placeholder { at })))
                }
                b':' if !self.take_if(b'=') => {
                    let name = self.name();
                    (true, Some(Lexeme::Token(Token::Colon { at, name })))
                }
                b'\'' | b'"' => (self.string(byte), Some(Lexeme::Quoted)),
                b'`' => (self.quoted_name(byte), Some(Lexeme::Quoted)),
                b'#' => (self.line_comment(), None),
                b'-' if self.begins_comment() => (self.line_comment(), None),
                b'/' if self.take_if(b'*') => (self.comment(), None),
                b'.' => (self.fraction(at), Some(Lexeme::Symbol(byte))),
                // "\N" is NULL.
                b'\\' => (self.take_if(b'N'), Some(Lexeme::Symbol(byte))),
                // A `?` before a letter is no placeholder, a NUL ends comments, and a `[` quotes names
                // in sql_mode=MSSQL.
                b'?' | b'[' | 0 => (false, None),
                _ if is_name_byte(byte) => (true, Some(Lexeme::Word(self.word(at)))),
                _ if is_space(byte) => (true, None),
                _ => (true, Some(Lexeme::Symbol(byte))),
            };
            if !clear {
                return Err(Unclear { at });
            }
            let is_plain = matches!(lexeme, Some(Lexeme::Word(_) | Lexeme::Token(_)));
            if !is_plain && self.position > at + 1 {
                self.plain_from = self.position;
            }
            if lexeme.is_some() {
                return Ok(lexeme);
            }
        }
    }

    /// Takes the rest of the word that begins there.
    fn word(&mut self, at: usize) -> &'a str {
        while self.peek(0).is_some_and(is_name_byte) {
            self.position += 1;
        }
        self.sql.get(at..self.position).unwrap_or_default()
    }

    /// Passes over a string, or a name between double quotes, behind its first quote; whether it
    /// ends, in the same place whether backslashes escape or not. They do so unless a backslash that
    /// no other one precedes stands before such a quote: of the quotes there one more or less counts,
    /// so that one of the two readings ends with them and the other goes on.
    fn string(&mut self, quote: u8) -> bool {
        while let Some(byte) = self.take() {
            if byte == b'\\' {
                if self.take() == Some(quote) {
                    return false;
                }
            } else if byte == quote && !self.take_if(quote) {
                return true;
            }
        }
        false
    }

    /// Passes over a name behind its first quote; whether it ends. Backslashes are ordinary.
    fn quoted_name(&mut self, quote: u8) -> bool {
        while let Some(byte) = self.take() {
            if byte == quote && !self.take_if(quote) {
                return true;
            }
        }
        false
    }

    /// Whether a `-`, which was taken, begins a comment: `--` and a space or control character.
    /// The end of the statement counts as one.
    fn begins_comment(&self) -> bool {
        let ends = |byte: u8| byte == b' ' || byte.is_ascii_control();
        self.peek(0) == Some(b'-') && self.peek(1).is_none_or(ends)
    }

    /// Passes over a comment up to the end of its line; whether nothing in it ends it before.
    fn line_comment(&mut self) -> bool {
        while let Some(byte) = self.take() {
            match byte {
                b'\n' => return true,
                0 => return false,
                _ => {}
            }
        }
        true
    }

    /// Passes over a comment behind its `/*`; whether it is an ordinary one, and ends.
    ///
    /// The content of `/*!` and `/*M!` is part of the statement for some servers. Some read the
    /// quotes of optimizer hints (`/*+`).
    fn comment(&mut self) -> bool {
        let rest = self.sql.get(self.position..).unwrap_or_default();
        let Some(length) = rest.find("*/") else {
            return false;
        };
        self.position += length + 2;
        let content = rest.get(..length).unwrap_or_default();
        match content.as_bytes() {
            [b'!', ..] | [b'M', b'!', ..] => false,
            [b'+', ..] => !content.contains(['\'', '"', '`']),
            _ => true,
        }
    }

    /// Passes over the digits behind a `.`; whether they are not an exponent without digits, such
    /// as `1.5e-`. MariaDB 10.11 refuses that; a lexer that does not may take the sign and the byte
    /// behind it with the number, and that byte may be a quote or half of a `--`.
    fn fraction(&mut self, at: usize) -> bool {
        while self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        let before = at.checked_sub(1).and_then(|at| self.byte(at));
        let is_number = self.position > at + 1 || before.is_some_and(|byte| byte.is_ascii_digit());
        if !is_number || !matches!(self.peek(0), Some(b'e' | b'E')) {
            return true;
        }
        self.position += 1;
        let sign = matches!(self.peek(0), Some(b'+' | b'-'));
        let first = self.peek(usize::from(sign));
        first.is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Takes the name that begins here: letters, digits, `_` and `$`, the first no digit and no
    /// `$`. Empty if there is none.
    fn name(&mut self) -> &'a str {
        let rest = self.sql.get(self.position..).unwrap_or_default();
        let begins = rest.starts_with(|first: char| first == '_' || first.is_alphabetic());
        let is_part = |part: char| matches!(part, '_' | '$') || part.is_alphanumeric();
        let length = match rest.find(|part| !is_part(part)) {
            _ if !begins => 0,
            Some(length) => length,
            None => rest.len(),
        };
        self.position += length;
        rest.get(..length).unwrap_or_default()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek(0)?;
        self.position += 1;
        Some(byte)
    }

    fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek(0) == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// The byte so many places ahead.
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.byte(self.position + ahead)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.sql.as_bytes().get(at).copied()
    }
}

/// Whether `byte` can be part of a name that is not quoted.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// Whether `byte` stands between lexemes for the server: a space, a tab, or one of the four characters
/// that may end a line.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
