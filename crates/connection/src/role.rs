//! Whether a server takes writes.

use otaria_session::{Error, Role};

use crate::Connection;

impl Connection {
    /// Checks that the server has the role that the configuration asks for, by one query if it asks
    /// for any.
    pub(crate) async fn check_role(&mut self) -> Result<(), Error> {
        let wanted = self.config.role();
        if wanted == Role::Any {
            return Ok(());
        }
        let mut rows = self.simple_query(READ_ONLY).await?;
        let mut found = None;
        while let Some(row) = rows.next().await? {
            found = Some(Role::of_read_only(row.get(0)?));
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

const READ_ONLY: &str = "SELECT @@read_only";
