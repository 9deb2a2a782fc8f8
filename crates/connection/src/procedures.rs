use otaria_codec::ServerStatus;
use otaria_session::{Error, OwnedRow};
use otaria_types::FromRow;

use crate::rows::Rows;

/// Procedures that are called by the binary protocol.
impl Rows<'_> {
    /// Whether the current result is the one row of a procedure's OUT and INOUT parameters.
    ///
    /// The server says so at the end of the result: before its row has been read, and
    /// [`next`](Self::next) has returned `None`, this is `false`.
    pub fn is_out_parameters(&self) -> bool {
        let status = self.connection.status();
        let has_rows = !self.columns().is_empty();
        self.is_at_end() && has_rows && status.contains(ServerStatus::PS_OUT_PARAMS)
    }

    /// Reads what is left of all results, throws rows away, and returns the OUT and INOUT parameters
    /// of the procedure in their order; `None` if it sends none.
    ///
    /// They are those whose arguments are placeholders, called by [`query`](crate::Connection::query):
    /// the text protocol has none. The value given for an OUT parameter does not matter, so `None` it
    /// is. The results of the procedure come first: they can be read before this is called, by
    /// [`next`](Self::next) and [`next_result_set`](Self::next_result_set).
    ///
    /// ```no_run
    /// # async fn call(connection: &mut otaria_connection::Connection)
    /// # -> Result<(), otaria_session::Error> {
    /// // CREATE PROCEDURE total(IN customer INT, OUT number BIGINT, OUT amount DECIMAL(12,2)) …
    /// let params = (7, None::<i64>, None::<&str>);
    /// let called = connection.query("CALL total(?, ?, ?)", params).await?;
    /// let total: Option<(i64, Option<String>)> = called.out_parameters().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Server`] if one of the results is an error; those of
    /// [`Row::read`](otaria_session::Row::read). The connection stays usable.
    ///
    /// # Cancel safety
    /// Safe. The procedure may have run, or some of its statements; the rest is left to the
    /// connection's [next call](crate::Connection#cancel-safety).
    pub async fn out_parameters<T: for<'r> FromRow<'r>>(mut self) -> Result<Option<T>, Error> {
        let mut parameters: Option<OwnedRow> = None;
        loop {
            // Until a result has ended, any of one row may be the parameters.
            let mut first = self.next().await?.map(|row| row.to_owned());
            while self.next().await?.is_some() {
                first = None;
            }
            if self.is_out_parameters() {
                parameters = first;
            }
            if !self.next_result_set().await? {
                break;
            }
        }
        parameters.map(|row| row.read()).transpose()
    }
}
