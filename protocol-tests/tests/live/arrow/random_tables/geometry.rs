//! Random geometries, as well-known text.

use proptest::collection::vec;
use proptest::prelude::*;

/// The SRID of degrees of latitude and longitude.
pub(super) const DEGREES: u32 = 4326;

/// The literal of a geometry.
pub(super) fn in_srid(srid: u32) -> impl Fn(String) -> String + Clone {
    move |text| format!("ST_GeomFromText('{text}', {srid})")
}

/// Of any kind.
pub(super) fn geometry() -> impl Strategy<Value = String> {
    prop_oneof![2 => simple(), 1 => collection()]
}

pub(super) fn point() -> impl Strategy<Value = String> {
    coordinates().prop_map(|point| format!("POINT({point})"))
}

pub(super) fn polygon() -> impl Strategy<Value = String> {
    rings().prop_map(|rings| format!("POLYGON{rings}"))
}

/// A collection of none or more. Collections within collections are NULL to some servers.
pub(super) fn collection() -> impl Strategy<Value = String> {
    let empty = Just("GEOMETRYCOLLECTION EMPTY".to_owned());
    let members = list(simple(), 1).prop_map(|members| format!("GEOMETRYCOLLECTION{members}"));
    prop_oneof![1 => empty, 4 => members]
}

/// Of any kind but collections.
fn simple() -> impl Strategy<Value = String> {
    prop_oneof![
        point(),
        list(coordinates(), 2).prop_map(|line| format!("LINESTRING{line}")),
        polygon(),
        list(coordinates(), 1).prop_map(|points| format!("MULTIPOINT{points}")),
        list(list(coordinates(), 2), 1).prop_map(|lines| format!("MULTILINESTRING{lines}")),
        list(rings(), 1).prop_map(|polygons| format!("MULTIPOLYGON{polygons}")),
    ]
}

/// Of one polygon, each ending where it began.
fn rings() -> impl Strategy<Value = String> {
    let ring = vec(coordinates(), 3..=5).prop_map(|mut points| {
        points.push(points[0].clone());
        format!("({})", points.join(", "))
    });
    list(ring, 1)
}

fn coordinates() -> impl Strategy<Value = String> {
    (any::<i32>(), any::<i32>()).prop_map(|(x, y)| format!("{x} {y}.25"))
}

/// At least so many, in parentheses.
fn list(items: impl Strategy<Value = String>, at_least: usize) -> impl Strategy<Value = String> {
    vec(items, at_least..=at_least + 2).prop_map(|items| format!("({})", items.join(", ")))
}
