//! Prepared statements of MariaDB: the `COM_STMT_*` commands and the grammar of the response to a
//! prepare, placeholders (their number, and names in their place), what a statement does for certain,
//! and what a connection keeps prepared.
//!
//! The values of parameters come here encoded. Nothing here does I/O.

mod bulk_execute;
mod cache;
mod close;
mod error;
mod execute;
mod fetch;
mod insert_rows;
mod kind;
mod leftovers;
mod lexer;
mod meaning;
mod named;
mod placeholders;
mod prepare;
mod prepare_reader;
mod repeatable;
mod send_long_data;
mod statement;
mod statement_id;
#[cfg(test)]
mod testing;

pub use bulk_execute::{BulkFlags, ComStmtBulkExecute, ParameterIndicator};
pub use cache::{Standing, StatementCache, StatementKey};
pub use close::{ComStmtClose, ComStmtReset};
pub use error::{NamedSqlError, PlaceholderError};
pub use execute::{ComStmtExecute, CursorFlags, ExecuteParameters};
pub use fetch::ComStmtFetch;
pub use insert_rows::InsertRows;
pub use kind::{StatementKind, replaces_transaction};
pub use leftovers::Leftovers;
pub use meaning::{may_change_meaning, may_set_schema};
pub use named::NamedSql;
pub use placeholders::{Placeholder, count_placeholders, placeholder_positions, placeholders};
pub use prepare::{ComStmtPrepare, ComStmtPrepareOk};
pub use prepare_reader::{PrepareEvent, PrepareReader};
pub use repeatable::only_reads;
pub use send_long_data::ComStmtSendLongData;
pub use statement::{Epoch, Statement};
pub use statement_id::StatementId;
