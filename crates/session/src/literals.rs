use otaria_text::SqlLiterals;

use crate::PlaceError;

/// The statement with `literals` in the places of its placeholders, which stand at `positions`: see
/// [`placeholder_positions`](otaria_statement::placeholder_positions). It goes by the text
/// protocol.
///
/// What stands beside a placeholder cannot become a part of its value, nor the value of it: spaces
/// are put between, and behind a `-` parentheses, for `--` and a space begin a comment.
///
/// # Errors
/// [`PlaceError::Count`] if there are more or fewer literals than positions,
/// [`PlaceError::NoPlaceholder`] if no `?` stands at a position behind the one before.
pub fn with_literals(
    sql: &str,
    positions: &[usize],
    literals: &SqlLiterals,
) -> Result<String, PlaceError> {
    let mut placed = String::with_capacity(sql.len() + literals.bytes() + 2 * positions.len());
    push_with_literals(&mut placed, sql, positions, literals)?;
    Ok(placed)
}

/// Adds to `placed` what [`with_literals`] returns; what it has added is of no use after an error.
pub(crate) fn push_with_literals(
    placed: &mut String,
    sql: &str,
    positions: &[usize],
    literals: &SqlLiterals,
) -> Result<(), PlaceError> {
    let (expected, given) = (positions.len(), literals.len());
    if expected != given {
        return Err(PlaceError::Count { expected, given });
    }
    let mut rest = sql;
    let mut copied = 0;
    for (&at, literal) in positions.iter().zip(literals.iter()) {
        let Some((before, behind)) = at
            .checked_sub(copied)
            .and_then(|length| rest.split_at_checked(length))
            .and_then(|(before, place)| Some((before, place.strip_prefix('?')?)))
        else {
            return Err(PlaceError::NoPlaceholder { at });
        };
        placed.push_str(before);
        push_literal(placed, literal);
        rest = behind;
        copied = at + 1;
    }
    placed.push_str(rest);
    Ok(())
}

fn push_literal(sql: &mut String, literal: &str) {
    if !sql.ends_with('-') {
        sql.push(' ');
        sql.push_str(literal);
    } else if literal.starts_with('(') {
        sql.push_str(literal);
    } else {
        sql.push('(');
        sql.push_str(literal);
        sql.push(')');
    }
    sql.push(' ');
}

#[cfg(test)]
mod tests {
    use otaria_statement::{count_placeholders, placeholder_positions};
    use otaria_types::Params;

    use super::*;

    fn literals(params: impl Params) -> SqlLiterals {
        let mut literals = SqlLiterals::new();
        literals.set(&params).unwrap();
        literals
    }

    #[track_caller]
    fn becomes(sql: &str, params: impl Params, expected: &str) {
        let positions = placeholder_positions(sql).unwrap();
        let placed = with_literals(sql, &positions, &literals(params)).unwrap();
        assert_eq!(placed, expected);
        assert_eq!(count_placeholders(&placed), Some(0), "{placed}");
    }

    #[test]
    fn literals_stand_in_the_places_of_their_placeholders() {
        becomes(
            "SELECT ?, '?' /* ? */ FROM t WHERE é = ? LIMIT ?",
            ("a?", -1, 10),
            "SELECT  ('a?') , '?' /* ? */ FROM t WHERE é =  (-1)  LIMIT  10 ",
        );
        becomes("SELECT 1", (), "SELECT 1");
        becomes("?", (None::<i32>,), " (NULL) ");
    }

    #[test]
    fn a_negative_number_behind_a_minus_is_no_comment() {
        becomes("SELECT 1 -?", (-5,), "SELECT 1 -(-5) ");
        becomes("SELECT 1--?", (-5,), "SELECT 1--(-5) ");
        becomes("SELECT 1 - ?", (-5,), "SELECT 1 -  (-5) ");
    }

    #[test]
    fn a_number_behind_two_minus_is_no_comment() {
        becomes("SELECT 1--?", (5,), "SELECT 1--(5) ");
        becomes("SELECT --?", ("a",), "SELECT --('a') ");
        becomes("SELECT -?", (1.5,), "SELECT -(1.5e0) ");
    }

    #[test]
    fn a_minus_behind_a_number_is_no_comment() {
        becomes("SELECT ?-?", (5, -5), "SELECT  5 -(-5) ");
        becomes("SELECT ?--?", (5, 5), "SELECT  5 --(5) ");
    }

    #[test]
    fn a_name_or_an_introducer_before_a_placeholder_is_no_part_of_the_value() {
        becomes("SELECT _latin1?", ("a",), "SELECT _latin1 ('a') ");
        becomes("SELECT N?", ("a",), "SELECT N ('a') ");
        becomes("SELECT x?", (b"a",), "SELECT x (_binary x'61') ");
        becomes("SELECT 0x?", (12,), "SELECT 0x 12 ");
        becomes("LIMIT?", (12,), "LIMIT 12 ");
        becomes("SELECT @?", (12,), "SELECT @ 12 ");
    }

    #[test]
    fn digits_beside_a_placeholder_are_no_part_of_the_value() {
        becomes("SELECT 1?", (2,), "SELECT 1 2 ");
        becomes("SELECT ?.5", (2,), "SELECT  2 .5");
        becomes("SELECT 1.?", (2,), "SELECT 1. 2 ");
        becomes("SELECT ??", (1, 2), "SELECT  1  2 ");
    }

    #[test]
    fn strings_beside_a_placeholder_are_no_part_of_the_value() {
        becomes("SELECT ?'b'", ("a",), "SELECT  ('a') 'b'");
        becomes("SELECT 'b'?", ("a",), "SELECT 'b' ('a') ");
        becomes("SELECT ?\n'b'", ("a",), "SELECT  ('a') \n'b'");
        becomes("SELECT ??", ("a", "b"), "SELECT  ('a')  ('b') ");
    }

    #[test]
    fn another_number_of_values_is_an_error_with_both_numbers() {
        let sql = "SELECT ?, ?";
        let positions = placeholder_positions(sql).unwrap();
        for (literals, given) in [
            (literals(()), 0),
            (literals((1,)), 1),
            (literals((1, 2, 3)), 3),
        ] {
            let error = with_literals(sql, &positions, &literals).unwrap_err();
            assert_eq!(error, PlaceError::Count { expected: 2, given });
            assert_eq!(
                error.to_string(),
                format!("the statement takes 2 parameters and {given} are given")
            );
        }
    }

    #[test]
    fn positions_of_another_statement_are_an_error() {
        for (positions, at) in [
            ([8, 10], 8),
            ([7, 7], 7),
            ([10, 7], 7),
            ([7, 9], 9),
            ([7, 99], 99),
            ([7, usize::MAX], usize::MAX),
        ] {
            let error = with_literals("SELECT ?, ?", &positions, &literals((1, 2)));
            assert_eq!(error, Err(PlaceError::NoPlaceholder { at }));
        }
        let error = with_literals("é?", &[1], &literals((1,)));
        assert_eq!(error, Err(PlaceError::NoPlaceholder { at: 1 }));
    }
}
