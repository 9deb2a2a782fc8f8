/// Rows under a head: the first column to the left, the others to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let lines = [&head].into_iter().chain(rows);
        let cells = lines.filter_map(|line| line.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let rule: Vec<String> = (0..head.len())
        .map(|column| "-".repeat(width(column)))
        .collect();
    [&head, &rule]
        .into_iter()
        .chain(rows)
        .map(|line| text_of(line, width))
        .collect()
}

/// A number in groups of three digits.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn text_of(cells: &[String], width: impl Fn(usize) -> usize) -> String {
    let cells = cells.iter().enumerate().map(|(column, cell)| match column {
        0 => format!("{cell:<0$}", width(column)),
        _ => format!("{cell:>0$}", width(column)),
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["a row".to_owned(), "1,073".to_owned()],
            vec!["b".to_owned()],
        ];
        assert_eq!(
            table(&["", "thin"], &rows),
            "        thin\n-----  -----\na row  1,073\nb\n"
        );
    }

    #[test]
    fn digits_are_in_groups_of_three() {
        assert_eq!(grouped(35.2), "35");
        assert_eq!(grouped(329.5), "330");
        assert_eq!(grouped(1_072.6), "1,073");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
    }
}
