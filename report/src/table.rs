//! Rows below a head, for people; programs take JSON.

use crate::one_line;

/// Columns as wide as their widest cell, two spaces between them, no spaces at a line's end. A cell is one line, and nothing in it acts on
/// a terminal, whoever wrote it.
pub fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows = rows.map(|row| row.map(|cell| one_line(&cell, usize::MAX)));
    let rows: Vec<[String; N]> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_in_their_columns() {
        let rows = [["a\n\u{1b}[31mb", "1"], ["longer", "2"]].map(|row| row.map(str::to_owned));
        let expected = "NAME           N\na \\u{1b}[31mb  1\nlonger         2\n";
        assert_eq!(table(["NAME", "N"], rows.into_iter()), expected);
    }
}
