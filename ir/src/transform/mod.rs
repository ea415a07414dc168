//! Transformations: functions from functions to functions.
