//! The table of statistics.

use super::Format;
use crate::optimize::{Column, ColumnKind, History, Report};
use crate::{Array, Error, ErrorKind, Result};
use std::fmt;
use std::ops::ControlFlow;

/// Which rows of [`IterationStats`] are shown while they are inserted, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Display {
    /// A row that stays is shown once in a cycle of so many, at its end.
    pub period: usize,
    /// Cycles end at the first row and at every `period`-th after it; otherwise at every `period`-th row.
    pub shift_cycles: bool,
    /// The rows between are shown, too, each overwritten by the next.
    pub overwrite: bool,
    /// Spaces between columns.
    pub column_space: usize,
}

impl Default for Display {
    /// Every row, two spaces between columns.
    fn default() -> Display {
        Display { period: 1, shift_cycles: true, overwrite: true, column_space: 2 }
    }
}

/// A column.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    identifier: String,
    format: Format,
    /// Characters it takes: those of a zero, or of its name if that is longer.
    length: usize,
}

/// Statistics of iterations, a row each, with a format for each column.
///
/// What is to be printed for a row is the result of inserting it, so that it can go to a terminal, a log or nowhere.
///
/// ```
/// use cotangent::diagnostics::{Display, IterationStats};
/// let every_other = Display { period: 2, ..Display::default() };
/// let mut stats = IterationStats::new(&[("Iter", "%d"), ("Objective", "%9.3e")])?.display(every_other)?;
/// let mut shown = String::new();
/// for step in 0..4 {
///     shown += &stats.insert(&[f64::from(step), 1.5 * f64::from(step)])?;
/// }
/// shown += stats.end();
/// let want = "Iter  Objective\n---------------\n   0  0.000e+00\n   1  1.500e+00\r   2  3.000e+00\n   3  4.500e+00\r\n";
/// assert_eq!(shown, want);
/// assert_eq!(stats.column("Objective"), Some(vec![0.0, 1.5, 3.0, 4.5]));
/// # Ok::<(), cotangent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct IterationStats {
    fields: Vec<Field>,
    rows: Vec<Vec<f64>>,
    display: Option<Display>,
    warnings: Vec<String>,
}

impl IterationStats {
    /// A table with columns of these names and formats, in order.
    ///
    /// # Errors
    /// A format that is none; a name of which no identifier can be made, or two of which the same would be.
    pub fn new(fields: &[(&str, &str)]) -> Result<IterationStats> {
        let mut stats = IterationStats { fields: Vec::new(), rows: Vec::new(), display: None, warnings: Vec::new() };
        for &(name, format) in fields {
            let parsed = Format::parse(format)?;
            stats.push(name, parsed);
        }
        stats.checked()
    }

    /// The table for a loop of the library: the columns of a [`Report`] of a method, after `Iter` and `Time`.
    pub fn of_columns(columns: &[Column]) -> IterationStats {
        let head = [Column::count("Iter"), Column { name: "Time", kind: ColumnKind::Seconds }];
        IterationStats::of_all(&[&head, columns].concat())
    }

    /// The table of what a solve recorded.
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::diagnostics::IterationStats;
    /// use cotangent::functional::L1Norm;
    /// use cotangent::linop::Identity;
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::optimize::{Options, Pdhg, solve};
    /// let y = Array::from(vec![1.0f32, -2.0]);
    /// let identity = Identity::new(y.ty()?);
    /// let method = Pdhg::new(SquaredL2Loss::new(y)?, 0.5 * L1Norm::new(), identity, 0.5, 0.5);
    /// let solution = solve(&method, &Options { max_steps: 3, ..Options::default() })?;
    /// let stats = IterationStats::of(&solution.history);
    /// assert!(stats.csv().starts_with("Iter,Time,Objective,Prml Rsdl,Dual Rsdl\n0,"));
    /// assert_eq!(stats.to_string(), solution.history.to_string());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn of(history: &History) -> IterationStats {
        let mut stats = IterationStats::of_all(history.columns());
        stats.rows = history.rows().to_vec();
        stats
    }

    fn of_all(columns: &[Column]) -> IterationStats {
        let mut stats = IterationStats { fields: Vec::new(), rows: Vec::new(), display: None, warnings: Vec::new() };
        for column in columns {
            let format = match column.kind {
                ColumnKind::Count => "%d",
                ColumnKind::Seconds => "%8.2e",
                ColumnKind::Real => "%9.3e",
            };
            match Format::parse(format) {
                Ok(format) => stats.push(column.name, format),
                Err(error) => cotangent_ir::error::internal(&error.to_string()),
            }
        }
        stats
    }

    /// Has rows shown as they are inserted.
    ///
    /// # Errors
    /// Cycles of no rows.
    pub fn display(self, display: Display) -> Result<IterationStats> {
        if display.period == 0 {
            return Err(refused("cycles of 0 rows have no end; give a positive `period`".into()));
        }
        Ok(IterationStats { display: Some(display), ..self })
    }

    /// Gives a column another identifier than the one made of its name.
    ///
    /// # Errors
    /// A name of no column; an identifier that is none or another column's.
    pub fn identifier(mut self, name: &str, identifier: &str) -> Result<IterationStats> {
        let Some(field) = self.fields.iter_mut().find(|field| field.name == name) else {
            return Err(refused(format!("there is no column `{name}`")));
        };
        field.identifier = identifier.to_string();
        self.checked()
    }

    fn push(&mut self, name: &str, format: Format) {
        let mut length = format.show(0.0).chars().count();
        if let Some(width) = format.width().filter(|&width| length > width) {
            self.warnings.push(format!(
                "a number in the format `{format}` of the field `{name}` takes {length} characters, which is more than {width}"
            ));
        }
        let named = name.chars().count();
        let mut format = format;
        if length < named {
            (format, length) = (format.with_width(named), named);
        }
        self.fields.push(Field { name: name.to_string(), identifier: identifier_of(name), format, length });
    }

    fn checked(self) -> Result<IterationStats> {
        for (position, Field { name, identifier, .. }) in self.fields.iter().enumerate() {
            let mut characters = identifier.chars();
            let starts = characters.next().is_some_and(char::is_alphabetic);
            if !starts || !characters.all(|character| character.is_alphanumeric() || character == '_') {
                let message = format!("`{identifier}` for the column `{name}` is no identifier; give it another one");
                return Err(refused(message));
            }
            if self.fields[..position].iter().any(|earlier| earlier.identifier == *identifier) {
                return Err(refused(format!("two columns are called `{identifier}`; give one another identifier")));
            }
        }
        Ok(self)
    }

    /// What was odd about the formats.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Adds a row. Gives what is to be printed for it: the header before the first row, and the row, if they are shown.
    ///
    /// # Errors
    /// Another number of values than there are columns.
    pub fn insert(&mut self, values: &[f64]) -> Result<String> {
        if values.len() != self.fields.len() {
            let names: Vec<&str> = self.fields.iter().map(|field| &*field.name).collect();
            return Err(refused(format!(
                "a row of {} values for the columns {names:?}; give one for each",
                values.len()
            )));
        }
        self.rows.push(values.to_vec());
        let Some(display) = &self.display else { return Ok(String::new()) };
        let mut text = String::new();
        if self.rows.len() == 1 {
            text = self.header() + "\n";
        }
        if self.at_cycle_end() {
            text += &(self.line(values) + "\n");
        } else if display.overwrite {
            text += &(self.line(values) + "\r");
        }
        Ok(text)
    }

    /// What is to be printed after the last row: a new line, where a row that would be overwritten was the last.
    pub fn end(&self) -> &'static str {
        match &self.display {
            Some(display) if display.overwrite && display.period > 1 && !self.at_cycle_end() => "\n",
            _ => "",
        }
    }

    fn at_cycle_end(&self) -> bool {
        let (period, shift) = self.display.as_ref().map_or((1, true), |display| (display.period, display.shift_cycles));
        (self.rows.len() + period - usize::from(shift)).is_multiple_of(period)
    }

    /// A function that inserts the rows a running solve reports, for [`Watch`](crate::optimize::Watch), and hands on what is to
    /// be printed. The table has the columns of the method, from [`IterationStats::of_columns`].
    ///
    /// ```
    /// use cotangent::Array;
    /// use cotangent::diagnostics::{Display, IterationStats};
    /// use cotangent::functional::L1Norm;
    /// use cotangent::linop::Identity;
    /// use cotangent::loss::SquaredL2Loss;
    /// use cotangent::optimize::{Method, Options, Pdhg, Watch, solve_watched};
    /// let y = Array::from(vec![1.0f32, -2.0]);
    /// let identity = Identity::new(y.ty()?);
    /// let method = Pdhg::new(SquaredL2Loss::new(y)?, 0.5 * L1Norm::new(), identity, 0.5, 0.5);
    /// let mut stats = IterationStats::of_columns(&method.columns()).display(Display::default())?;
    /// let mut printed = String::new();
    /// let mut show = stats.follow(|text| printed += text);
    /// let watch = Watch { callback: Some(&mut show), ..Watch::default() };
    /// solve_watched(&method, &Options { max_steps: 3, report_every: 1, ..Options::default() }, watch)?;
    /// drop(show);
    /// assert_eq!(stats.column("Iter"), Some(vec![0.0, 1.0, 2.0]));
    /// assert_eq!(printed, stats.to_string());
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn follow<'a>(
        &'a mut self,
        mut print: impl FnMut(&str) + Send + 'a,
    ) -> impl FnMut(&Report<'_>) -> ControlFlow<()> + Send + 'a {
        move |report| {
            let head = [report.step as f64, report.elapsed.as_secs_f64()];
            match self.insert(&[&head, report.row].concat()) {
                Ok(text) => {
                    print(&text);
                    ControlFlow::Continue(())
                }
                // A table of other columns cannot take the row, nor any other.
                Err(_) => ControlFlow::Break(()),
            }
        }
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| &*field.name).collect()
    }

    /// The identifiers of the columns: their names with `_` for what is neither letter nor digit.
    pub fn identifiers(&self) -> Vec<&str> {
        self.fields.iter().map(|field| &*field.identifier).collect()
    }

    /// The formats of the columns, with the widths they are shown in.
    pub fn formats(&self) -> Vec<Format> {
        self.fields.iter().map(|field| field.format).collect()
    }

    /// The numbers of a column, by name or identifier.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let position = self.fields.iter().position(|field| field.name == name || field.identifier == name)?;
        Some(self.rows.iter().map(|row| row[position]).collect())
    }

    /// The numbers of each column as an array of `f64`, by identifier.
    pub fn arrays(&self) -> Vec<(&str, Array)> {
        let column = |position: usize| self.rows.iter().map(|row| row[position]).collect::<Vec<f64>>();
        let array = |position: usize| Array::new(&[self.rows.len()], &column(position));
        self.identifiers().into_iter().enumerate().map(|(position, name)| (name, array(position))).collect()
    }

    /// The table as comma-separated values: the names, then a line for each row, with as many digits as tell a number from others.
    pub fn csv(&self) -> String {
        let quoted = |name: &str| match name.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => name.to_string(),
        };
        let names: Vec<String> = self.fields.iter().map(|field| quoted(&field.name)).collect();
        let numbers = |row: &Vec<f64>| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        let lines = std::iter::once(names.join(",")).chain(self.rows.iter().map(numbers));
        lines.map(|line| line + "\n").collect()
    }

    /// The names above a line of dashes.
    pub fn header(&self) -> String {
        let names = self.fields.iter().map(|field| format!("{:<width$}", field.name, width = field.length));
        let space = self.space();
        let length = self.fields.iter().map(|field| field.length).sum::<usize>()
            + space.len() * self.fields.len().saturating_sub(1);
        format!("{}\n{}", names.collect::<Vec<_>>().join(&space), "-".repeat(length))
    }

    /// A row as text under the header.
    pub fn line(&self, row: &[f64]) -> String {
        let shown = self.fields.iter().zip(row).map(|(field, &value)| field.format.show(value));
        shown.collect::<Vec<_>>().join(&self.space())
    }

    fn space(&self) -> String {
        " ".repeat(self.display.as_ref().map_or(2, |display| display.column_space))
    }
}

impl fmt::Display for IterationStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.header())?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", self.line(row)))
    }
}

/// A name with `_` for each run of what is neither letter nor digit, and without the first `_`.
fn identifier_of(name: &str) -> String {
    let mut identifier = String::new();
    let mut replaced = false;
    for character in name.chars() {
        if character.is_alphanumeric() || character == '_' {
            identifier.push(character);
            replaced = false;
        } else if !replaced {
            identifier.push('_');
            replaced = true;
        }
    }
    match identifier.strip_prefix('_') {
        Some(rest) => rest.to_string(),
        None => identifier,
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Argument, "IterationStats", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(display: Display, count: usize) -> String {
        let mut stats = IterationStats::new(&[("Iter", "%d")]).unwrap().display(display).unwrap();
        let text: String = (0..count).map(|step| stats.insert(&[step as f64]).unwrap()).collect();
        let rows = text.split_once("----\n").unwrap().1.to_string();
        rows + stats.end()
    }

    #[test]
    fn rows_are_shown_in_cycles() {
        let every = |period| Display { period, ..Display::default() };
        assert_eq!(shown(every(1), 2), "   0\n   1\n");
        assert_eq!(shown(Display { overwrite: false, ..every(2) }, 5), "   0\n   2\n   4\n");
        let late = Display { overwrite: false, shift_cycles: false, ..every(2) };
        assert_eq!(shown(late, 5), "   1\n   3\n");
        assert_eq!(shown(Display { shift_cycles: false, ..every(3) }, 5), "   0\r   1\r   2\n   3\r   4\r\n");
        assert_eq!(shown(every(3), 4), "   0\n   1\r   2\r   3\n");
        let none = IterationStats::new(&[("Iter", "%d")]).unwrap().display(every(0)).unwrap_err();
        assert!(none.to_string().contains("period"));
    }

    #[test]
    fn columns_are_as_wide_as_their_names_and_numbers() {
        let fields = [("Iter", "%d"), ("Obj Val", "%8.2e"), ("_x", "%+d"), ("a/b c", "%-3d")];
        let mut stats = IterationStats::new(&fields).unwrap();
        assert_eq!(stats.header(), "Iter  Obj Val   _x  a/b c\n-------------------------");
        let formats: Vec<String> = stats.formats().iter().map(Format::to_string).collect();
        assert_eq!(formats, ["%4d", "%8.2e", "%+d", "%-5d"]);
        assert_eq!(stats.identifiers(), ["Iter", "Obj_Val", "x", "a_b_c"]);
        assert_eq!(stats.insert(&[1.0, 2.0, 3.0, 4.0]).unwrap(), "");
        assert_eq!(stats.line(&stats.rows()[0]), "   1  2.00e+00  +3  4    ");
        assert_eq!(stats.column("a_b_c"), Some(vec![4.0]));
        assert_eq!(stats.arrays()[1].1.to_vec::<f64>().unwrap(), [2.0]);
        assert_eq!(stats.csv(), "Iter,Obj Val,_x,a/b c\n1,2,3,4\n");
        let wide = IterationStats::new(&[("Iter", "%4e"), ("a,\"b\"", "%d")]).unwrap();
        assert!(wide.warnings()[0].contains("takes 12 characters, which is more than 4"));
        assert!(wide.csv().starts_with("Iter,\"a,\"\"b\"\"\""));
    }

    #[test]
    fn mistakes_are_refused() {
        let error = |fields: &[(&str, &str)]| IterationStats::new(fields).unwrap_err().to_string();
        assert!(error(&[("Iter", "d")]).contains("is no format"));
        assert!(error(&[("1st", "%d")]).contains("no identifier"));
        assert!(error(&[("", "%d")]).contains("no identifier"));
        assert!(error(&[("a b", "%d"), ("a-b", "%d")]).contains("two columns"));
        let renamed = IterationStats::new(&[("a", "%d"), ("b", "%d")]).unwrap().identifier("b", "a");
        assert!(renamed.is_err());
        let mut stats = IterationStats::new(&[("a", "%d")]).unwrap().identifier("a", "first").unwrap();
        assert!(stats.insert(&[1.0, 2.0]).unwrap_err().to_string().contains("2 values"));
        assert!(stats.insert(&[1.0]).is_ok() && stats.column("first").is_some());
    }
}
