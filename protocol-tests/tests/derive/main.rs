//! Derived rows and parameters: one table of rows, two protocols.

mod allocations;
mod by_name;
mod by_position;
mod cells;
mod connection;
mod flatten;
mod params;

mod values;
