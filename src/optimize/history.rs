//! Statistics of a solve: one row a step.

use crate::diagnostics::scientific;
use std::fmt;

/// A column of statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// How its numbers are shown.
    pub kind: ColumnKind,
}

/// How the numbers of a column are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnKind {
    /// Whole numbers.
    Count,
    /// With two digits after the point and an exponent.
    Seconds,
    /// With three digits after the point and an exponent.
    Real,
}

impl Column {
    /// A column of real numbers.
    pub const fn real(name: &'static str) -> Column {
        Column { name, kind: ColumnKind::Real }
    }

    /// A column of whole numbers.
    pub const fn count(name: &'static str) -> Column {
        Column { name, kind: ColumnKind::Count }
    }

    /// Characters it takes: the longer of its name and of a number.
    fn width(&self) -> usize {
        let number = match self.kind {
            ColumnKind::Count => 1,
            ColumnKind::Seconds => 8,
            ColumnKind::Real => 9,
        };
        number.max(self.name.len())
    }

    fn show(&self, value: f64) -> String {
        let text = match self.kind {
            ColumnKind::Count => format!("{value:.0}"),
            ColumnKind::Seconds => scientific(value, 2),
            ColumnKind::Real => scientific(value, 3),
        };
        format!("{text:>width$}", width = self.width())
    }
}

/// The statistics of the steps of a solve. The first columns are `Iter`, the number of the step, and `Time`, seconds since
/// the program started.
///
/// Time is read by the host whenever the program reports a row; between two reports it is interpolated.
///
/// `Display` gives a table:
///
/// ```text
/// Iter  Time      Objective  Prml Rsdl  Dual Rsdl
/// -----------------------------------------------
///    0  1.21e-02  3.643e+03  9.870e+01  1.204e+01
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct History {
    columns: Vec<Column>,
    rows: Vec<Vec<f64>>,
}

impl History {
    /// A history of steps that were made elsewhere than in [`solve`](super::solve), such as by a precompiled kernel: the
    /// columns of the method, the number of the first step, a row of statistics for each step, and the seconds at which some
    /// of the rows, named by their positions in order, were known.
    ///
    /// ```
    /// use cotangent::optimize::{Column, History};
    /// let rows = [vec![4.0], vec![2.0], vec![1.0]];
    /// let history = History::new(&[Column::real("Objective")], 0, &rows, &[(2, 0.75)]);
    /// assert_eq!(history.column("Time").unwrap(), [0.25, 0.5, 0.75]);
    /// ```
    pub fn new(columns: &[Column], first: usize, statistics: &[Vec<f64>], times: &[(usize, f64)]) -> History {
        let time = Column { name: "Time", kind: ColumnKind::Seconds };
        let columns = [Column::count("Iter"), time].into_iter().chain(columns.iter().copied()).collect();
        let row = |(position, row): (usize, &Vec<f64>)| {
            let head = [(first + position) as f64, interpolate(times, position)];
            head.into_iter().chain(row.iter().copied()).collect()
        };
        History { columns, rows: statistics.iter().enumerate().map(row).collect() }
    }

    /// The history whose numbers are these, row by row, with all its columns.
    #[cfg(feature = "files")]
    pub(super) fn recorded(columns: &[Column], numbers: &[f64]) -> History {
        let history = History::new(columns, 0, &[], &[]);
        let rows = numbers.chunks(history.columns.len()).map(<[f64]>::to_vec).collect();
        History { rows, ..history }
    }

    /// This history with that of the steps that followed, whose times are counted on from its last one.
    #[must_use]
    pub fn followed_by(mut self, later: History) -> History {
        let past = self.rows.last().map_or(0.0, |row| row[1]);
        let rows = later.rows.into_iter().map(|mut row| {
            row[1] += past;
            row
        });
        self.rows.extend(rows);
        self
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, one a step.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The numbers of the column of this name, one a step. Underscores stand for spaces: `Prml_Rsdl` is `Prml Rsdl`.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let spaced = name.replace('_', " ");
        let position = self.columns.iter().position(|column| column.name == spaced)?;
        Some(self.rows.iter().map(|row| row[position]).collect())
    }

    /// The names of the columns, each as wide as its numbers.
    pub fn header(&self) -> String {
        let names: Vec<String> =
            self.columns.iter().map(|c| format!("{:<width$}", c.name, width = c.width())).collect();
        names.join("  ").trim_end().to_string()
    }

    /// A row as text under the header.
    pub fn line(&self, row: &[f64]) -> String {
        let shown: Vec<String> = self.columns.iter().zip(row).map(|(column, &value)| column.show(value)).collect();
        shown.join("  ")
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length: usize = self.columns.iter().map(Column::width).sum();
        writeln!(f, "{}", self.header())?;
        writeln!(f, "{}", "-".repeat(length + 2 * self.columns.len().saturating_sub(1)))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", self.line(row)))
    }
}

/// The time of a row: known, or between its neighbours. Before the first known row time starts at 0.
fn interpolate(times: &[(usize, f64)], position: usize) -> f64 {
    let after = times.partition_point(|&(known, _)| known < position);
    // Rows count from 1 here, so that 0 is the start.
    let (low, low_time) = match after.checked_sub(1) {
        Some(before) => (times[before].0 as f64 + 1.0, times[before].1),
        None => (0.0, 0.0),
    };
    match times.get(after) {
        Some(&(high, high_time)) => {
            let part = (position as f64 + 1.0 - low) / (high as f64 + 1.0 - low);
            low_time + part * (high_time - low_time)
        }
        None => low_time,
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, History, interpolate};

    #[test]
    fn time_is_interpolated_between_reports() {
        let times = [(0, 1.0), (4, 3.0)];
        let shown: Vec<f64> = (0..6).map(|position| interpolate(&times, position)).collect();
        assert_eq!(shown, [1.0, 1.5, 2.0, 2.5, 3.0, 3.0]);
        assert_eq!(interpolate(&[(3, 4.0)], 0), 1.0);
    }

    #[test]
    fn columns_are_found_by_name() {
        let columns = [Column::real("Objective"), Column::real("Prml Rsdl"), Column::count("CG It")];
        let history = History::new(&columns, 5, &[vec![2.5, 0.5, 3.0]], &[]);
        assert_eq!(history.column("Iter"), Some(vec![5.0]));
        assert_eq!(history.column("Prml_Rsdl"), Some(vec![0.5]));
        assert_eq!(history.column("Residual"), None);
        let wanted = "Iter  Time      Objective  Prml Rsdl  CG It\n-------------------------------------------\n   \
                      5  0.00e+00  2.500e+00  5.000e-01      3\n";
        assert_eq!(history.to_string(), wanted);
    }
}
