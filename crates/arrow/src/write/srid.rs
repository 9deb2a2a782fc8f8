//! The SRID that the metadata of `geoarrow.wkb` name.

/// The SRID of the metadata, a JSON object; 0 if they name no reference system, `None` if they name
/// one without a number.
///
/// "crs" is a string, such as `"EPSG:4326"` or, with the `crs_type` `srid`, `"4326"`; or it is an
/// object (PROJJSON), whose `id` has the number as its `code`.
pub(crate) fn of(metadata: &str) -> Option<u32> {
    let Some(crs) = member(metadata, "crs") else {
        return Some(0);
    };
    let crs = crs.trim();
    if crs == "null" {
        return Some(0);
    }
    if crs.starts_with('{') {
        return number(member(member(crs, "id")?, "code")?);
    }
    number(crs)
}

/// The number of `"EPSG:4326"`, `"4326"` or `4326`.
fn number(value: &str) -> Option<u32> {
    let text = value.trim().trim_matches('"');
    if text.eq_ignore_ascii_case("OGC:CRS84") {
        // The same, with the longitude first, as the server has it anyway.
        return Some(WGS_84);
    }
    let digits = text.split_once(':').map_or(text, |(authority, code)| {
        if authority.eq_ignore_ascii_case("EPSG") {
            code
        } else {
            text
        }
    });
    digits.parse().ok()
}

/// The value of a member of an object, as it is written.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = object.trim_start().strip_prefix('{')?;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t', '\n', '\r']);
        let (key, behind) = value(rest)?;
        let behind = behind.trim_start().strip_prefix(':')?.trim_start();
        let (found, behind) = value(behind)?;
        if key.strip_prefix('"')?.strip_suffix('"')? == name {
            return Some(found);
        }
        rest = behind;
    }
}

/// The value that a text begins with, and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_u32;
    let mut is_string = false;
    let mut is_escaped = false;
    for (place, byte) in text.bytes().enumerate() {
        let mut ends_here = false;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => {
                is_string = !is_string;
                ends_here = !is_string && depth == 0;
            }
            _ if is_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => {
                return text
                    .split_at_checked(place)
                    .filter(|(value, _)| !value.is_empty());
            }
            b'}' | b']' => {
                depth -= 1;
                ends_here = depth == 0;
            }
            _ => {}
        }
        if ends_here {
            return text.split_at_checked(place + 1);
        }
    }
    None
}

const WGS_84: u32 = 4326;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::crs;

    #[test]
    fn the_srid_that_is_written_is_read() {
        for srid in [0, 1, 4326, u32::MAX] {
            assert_eq!(of(&crs(srid)), Some(srid));
        }
    }

    #[test]
    fn a_crs_is_a_string_or_projjson() {
        let projjson = r#"{"edges":"planar","crs":{"type":"GeographicCRS","name":"WGS \"84\"",
            "datum":{"id":{"authority":"EPSG","code":1}},"axis":[{"a":[1,2]},{}],
            "id": {"authority": "EPSG", "code": 4258}}}"#;
        assert_eq!(of(projjson), Some(4258));
        for (metadata, expected) in [
            ("", Some(0)),
            ("{}", Some(0)),
            (r#"{"crs":null}"#, Some(0)),
            (r#"{"crs":"EPSG:4326"}"#, Some(4326)),
            (r#"{"crs":"OGC:CRS84"}"#, Some(4326)),
            (r#"{"edges":"spherical","crs":"3857"}"#, Some(3857)),
            (r#"{"crs":"GEOGCRS[\"WGS 84\"]"}"#, None),
            (r#"{"crs":{"name":"local"}}"#, None),
            (r#"{"crs":"ESRI:102100"}"#, None),
        ] {
            assert_eq!(of(metadata), expected, "{metadata}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let text = r#"{"crs":{"id":{"code":"EPSG:1"},"x":[{}]}}"#;
        for end in 0..text.len() {
            let _ = of(text.split_at(end).0);
        }
        for text in ["{\"crs\"", "{,", "{\"crs\":]}", "}", "{\"", "{:}"] {
            let _ = of(text);
        }
    }
}
