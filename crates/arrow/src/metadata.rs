//! The keys of the fields' metadata.

/// The server's type, such as `INT UNSIGNED`, `DECIMAL`, `VARCHAR`, `JSON`.
pub const TYPE: &str = "MARIADB:type";

/// For strings, binary data and BIT: the greatest length of a value, in bytes (of UTF-8 for text), or
/// bits for BIT.
pub const LENGTH: &str = "MARIADB:length";

/// For DATETIME, TIMESTAMP and TIME: how many digits a second has behind the point.
pub const DECIMALS: &str = "MARIADB:decimals";

/// For TIMESTAMP: the zone that the server gave the values in, such as `+02:00` or `SYSTEM`;
/// `unknown` if it is not known. The values of a field whose type says `UTC` have been converted.
pub const TIME_ZONE: &str = "MARIADB:time_zone";

/// The name of an [extension type](https://arrow.apache.org/docs/format/CanonicalExtensions.html).
pub const EXTENSION_NAME: &str = "ARROW:extension:name";

/// The parameters of an extension type.
pub const EXTENSION_METADATA: &str = "ARROW:extension:metadata";
