//! Many things in few words.

use std::fmt::Display;

/// The first `most` of them, and how many more there are: `a, b and 3 more`.
pub fn first_few<T: Display>(things: &[T], most: usize) -> String {
    let shown: Vec<String> = things.iter().take(most).map(ToString::to_string).collect();
    match things.len().checked_sub(most) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_counted() {
        for (count, expected) in
            [(0, ""), (1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more"), (9, "0, 1, 2 and 6 more")]
        {
            assert_eq!(first_few(&(0..count).collect::<Vec<_>>(), 3), expected);
        }
    }
}
