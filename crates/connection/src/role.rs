//! Whether a server takes writes.

use otaria_session::{Error, Role};
use otaria_types::ValueRef;

use crate::{Connection, Rows};

impl Connection {
    /// Checks that the server has the role that the configuration asks for, by one query if it asks
    /// for any.
    pub(crate) async fn check_role(&mut self) -> Result<(), Error> {
        let wanted = self.config.role();
        if wanted == Role::Any {
            return Ok(());
        }
        // No call of its own, whose limit would be that of the init commands as well.
        self.ready_within_call().await?;
        self.session.simple_query(READ_ONLY)?;
        let executed = self.first_result().await?;
        let mut rows = Rows::new(self, executed);
        let mut found = None;
        while let Some(row) = rows.next().await? {
            found = Some(role_of(row.get(0)?));
        }
        match found {
            Some(found) if found == wanted => Ok(()),
            Some(found) => Err(Error::WrongRole { wanted, found }),
            None => Err(Error::RowCount {
                more_than_one: false,
            }),
        }
    }
}

/// What a server is whose `@@read_only` is this: 0 or 1, or a word where it can be more than on and
/// off.
fn role_of(read_only: ValueRef<'_>) -> Role {
    match read_only {
        ValueRef::Int(0) | ValueRef::UInt(0) => Role::Writer,
        ValueRef::Text(word) if word == "0" || word.eq_ignore_ascii_case("off") => Role::Writer,
        _ => Role::Reader,
    }
}

const READ_ONLY: &str = "SELECT @@read_only";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_takes_writes_if_its_read_only_is_0_or_off() {
        for value in [
            ValueRef::Int(0),
            ValueRef::UInt(0),
            ValueRef::Text("0"),
            ValueRef::Text("OFF"),
        ] {
            assert_eq!(role_of(value), Role::Writer, "{value:?}");
        }
        for value in [
            ValueRef::Int(1),
            ValueRef::Text("1"),
            ValueRef::Text("ON"),
            ValueRef::Text("NO_LOCK_NO_ADMIN"),
            ValueRef::Null,
        ] {
            assert_eq!(role_of(value), Role::Reader, "{value:?}");
        }
    }
}
