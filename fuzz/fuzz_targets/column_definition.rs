//! Column definitions, with extended metadata and without.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::{Capabilities, ColumnDefinition, ExtendedMetadata};
use otaria_fuzz::comes_back;

fuzz_target!(|data: &[u8]| {
    let plain = Capabilities::empty();
    for capabilities in [plain, Capabilities::MARIADB_CLIENT_EXTENDED_METADATA] {
        let Some(column) = comes_back!(ColumnDefinition, data, capabilities) else {
            continue;
        };
        // A byte that is not UTF-8 becomes a character of three at most.
        let names = [
            column.catalog(),
            column.schema(),
            column.table(),
            column.original_table(),
            column.name(),
            column.original_name(),
            column.type_name().unwrap_or_default(),
            column.format_name().unwrap_or_default(),
        ];
        assert!(names.concat().len() <= 3 * data.len());
        let extended = capabilities != plain;
        assert!(extended || column.type_name().is_none() && column.format_name().is_none());
        assert_eq!(u8::from(column.field_type()), data[data.len() - 6]);
    }
    comes_back!(ExtendedMetadata<'_>, data, plain);
});
