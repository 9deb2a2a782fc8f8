use std::sync::Arc;

use otaria_codec::{ColumnDefinition, InvalidPacket};
use otaria_types::Columns;

/// The columns of a result set, while their definitions are coming.
#[derive(Debug, Default)]
pub(super) struct Head {
    definitions: Vec<ColumnDefinition>,
    bytes: usize,
    /// The columns, where the server has left their definitions out.
    known: Option<Arc<Columns>>,
}

impl Head {
    pub(super) fn clear(&mut self) {
        self.definitions.clear();
        self.bytes = 0;
        self.known = None;
    }

    /// The definitions do not come: the columns are those that the server told before.
    pub(super) fn set_known(&mut self, columns: Arc<Columns>) {
        self.known = Some(columns);
    }

    /// The next definition, which came in so many bytes.
    pub(super) fn add(
        &mut self,
        column: ColumnDefinition,
        bytes: usize,
    ) -> Result<(), InvalidPacket> {
        self.definitions.push(column);
        self.bytes += bytes;
        if self.bytes > MAX_HEAD_BYTES {
            return Err(InvalidPacket::Field {
                packet: "column definition packet",
                field: "length of all definitions",
                value: u64::try_from(self.bytes).unwrap_or(u64::MAX),
            });
        }
        Ok(())
    }

    /// The definitions that have come.
    pub(super) fn take(&mut self) -> Vec<ColumnDefinition> {
        self.bytes = 0;
        std::mem::take(&mut self.definitions)
    }

    /// The columns that were known, if the definitions were left out.
    pub(super) const fn take_known(&mut self) -> Option<Arc<Columns>> {
        self.known.take()
    }
}

/// 4,096 columns, the most that a server has, with names of the greatest length take 7 MiB.
const MAX_HEAD_BYTES: usize = 16 * 1024 * 1024;
