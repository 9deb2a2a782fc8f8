//! What is asked on the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::task::spawn_blocking;

/// Asks on the terminal; what is typed is not shown. A dropped future leaves the terminal as it was.
pub(crate) async fn ask(question: &str) -> io::Result<String> {
    let mut hidden = Hidden::new(terminal()?)?;
    // Whoever sees the question may type at once.
    hidden.terminal.write_all(question.as_bytes())?;
    let keyboard = hidden.terminal.try_clone()?;
    let line = spawn_blocking(move || line(keyboard)).await;
    let line = line.map_err(io::Error::other)??;
    hidden.is_answered = true;
    Ok(line)
}

/// That of the process, wherever its standard input and output lead.
fn terminal() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

/// What is typed up to the end of a line.
fn line(keyboard: impl Read) -> io::Result<String> {
    let mut line = String::new();
    let read = BufReader::new(keyboard.take(MAX_BYTES)).read_line(&mut line)?;
    if read == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "nothing was typed",
        ));
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

/// A terminal that does not show what is typed until this is dropped.
struct Hidden {
    terminal: File,
    before: Termios,
    is_answered: bool,
}

impl Hidden {
    fn new(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        // But for the line break, behind which others go on.
        modes.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        Ok(Self {
            terminal,
            before,
            is_answered: false,
        })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to put right.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        if !self.is_answered {
            let _ = self.terminal.write_all(b"\n");
        }
    }
}

/// More than a terminal gives as one line, and than any password has.
const MAX_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_stands_before_its_end() {
        let typed = |text: &str| line(io::Cursor::new(text.to_owned())).unwrap();
        assert_eq!(typed("secret\n"), "secret");
        assert_eq!(typed(" se cret \r\nmore\n"), " se cret ");
        assert_eq!(typed("\n"), "");
        assert_eq!(typed("without an end"), "without an end");
    }

    #[test]
    fn a_terminal_on_which_nothing_is_typed_is_an_error() {
        let error = line(io::empty()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(line(io::Cursor::new(b"\xff\n")).is_err(), "no UTF-8");
    }
}
