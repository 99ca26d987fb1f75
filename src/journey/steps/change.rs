//! `change`: sets a field as a person would: focus, keys, choice. Keys are tried first; what they cannot do is set
//! directly, and noted.

use serde::Deserialize;
use serde_json::json;

use crate::capture::RemoteError;
use crate::journey::keys::{press, type_text};
use crate::journey::tab::{Point, Want};
use crate::journey::{Context, StepError};
use crate::scenario::{Change, substitute};

const FIELD: &str = include_str!("../field.js");
const SET: &str = include_str!("../set.js");

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Field {
    Text {
        value: String,
        #[serde(default)]
        readonly: bool,
    },
    Editable {
        value: String,
    },
    Select {
        value: String,
        multiple: bool,
        /// Value, label, disabled.
        options: Vec<(String, String, bool)>,
    },
    Checkbox {
        value: String,
    },
    Radio {
        value: String,
    },
    Date {
        value: String,
        /// `day`, `month`, `year`, as this browser's locale puts them.
        order: Vec<String>,
    },
    /// Takes a value in one exact form.
    Exact {
        value: String,
    },
    File {},
    None {
        tag: String,
    },
}

pub(super) async fn run(step: &Change, context: &mut Context<'_>) -> Result<(), StepError> {
    let value = substitute(&step.value, |name| {
        context.canaries.get(name).map(String::as_str)
    })
    .unwrap_or_else(|_| step.value.clone());
    let not_settable = |why: &str| StepError::NotSettable {
        selector: step.selector.to_string(),
        value: step.value.clone(),
        why: why.to_owned(),
    };
    let point = context
        .tab
        .locate(&step.selector, Want::Point, context.deadline)
        .await?;
    match field(context).await? {
        Field::Text { readonly: true, .. } => Err(not_settable("it is read-only")),
        Field::Text { value: old, .. } | Field::Editable { value: old } => {
            type_over(context, &point, &old, &value).await
        }
        Field::Select {
            value: old,
            multiple,
            options,
        } => {
            if multiple {
                return Err(not_settable("it takes several choices at once"));
            }
            let choice = options
                .iter()
                .find(|(option, _, disabled)| *option == value && !disabled)
                .or_else(|| {
                    options
                        .iter()
                        .find(|(_, label, disabled)| *label == value && !disabled)
                });
            match choice {
                Some((option, _, _)) if *option == old => Ok(()),
                Some((option, label, _)) => choose(context, option, label).await,
                None => Err(StepError::NoSuchChoice {
                    selector: step.selector.to_string(),
                    value: step.value.clone(),
                    choices: options
                        .iter()
                        .map(|(_, label, _)| label.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                }),
            }
        }
        Field::Checkbox { value: old } | Field::Radio { value: old } => match value.as_str() {
            "true" | "false" if value == old => Ok(()),
            "true" | "false" => {
                context.tab.click_at(&point).await?;
                match field(context).await? {
                    Field::Checkbox { value: now } | Field::Radio { value: now }
                        if now == value =>
                    {
                        Ok(())
                    }
                    _ => Err(not_settable("the page did not let it be changed")),
                }
            }
            _ => Err(not_settable("write `true` or `false`")),
        },
        Field::Date { order, .. } => set_date(context, step, &value, &order).await,
        Field::Exact { .. } => set_directly(context, step, &value).await,
        Field::File {} => choose_file(context, &value, not_settable).await,
        Field::None { tag } => Err(not_settable(&format!("it is a <{tag}>"))),
    }
}

async fn field(context: &mut Context<'_>) -> Result<Field, StepError> {
    let field = context.tab.call(FIELD, &[]).await?;
    serde_json::from_value(field)
        .map_err(|error| StepError::Browser(RemoteError::Unreadable(error.to_string())))
}

/// Clicks into the field, marks what stands there, and types over it.
async fn type_over(
    context: &mut Context<'_>,
    point: &Point,
    old: &str,
    value: &str,
) -> Result<(), StepError> {
    context.tab.click_at(point).await?;
    // A click into a button-like field may have moved the focus on: make sure that the keys go where they should.
    context
        .tab
        .call(
            SET,
            &[json!(if old.is_empty() { "focus" } else { "select" })],
        )
        .await?;
    if value.is_empty() && !old.is_empty() {
        press(&context.tab.page, "Backspace", "Backspace", 8, None).await?;
    }
    type_text(&context.tab.page, value).await?;
    if let Field::Text { value: now, .. } = field(context).await?
        && now != value
    {
        context
            .notes
            .push("the page changed what was typed, or cut it".to_owned());
    }
    Ok(())
}

/// Types the label, which a drop-down list searches for; sets the choice directly where that misses.
async fn choose(context: &mut Context<'_>, option: &str, label: &str) -> Result<(), StepError> {
    context.tab.call(SET, &[json!("focus")]).await?;
    type_text(&context.tab.page, label).await?;
    match field(context).await? {
        Field::Select { value: now, .. } if now == option => Ok(()),
        _ => {
            context
                .tab
                .call(SET, &[json!("value"), json!(option)])
                .await?;
            context
                .notes
                .push("the choice could not be made by keyboard, and was set directly".to_owned());
            Ok(())
        }
    }
}

/// Types a date digit by digit in the order of the browser's locale.
async fn set_date(
    context: &mut Context<'_>,
    step: &Change,
    value: &str,
    order: &[String],
) -> Result<(), StepError> {
    let parts: Vec<&str> = value.split('-').collect();
    if let [year, month, day] = parts[..] {
        context.tab.call(SET, &[json!("focus")]).await?;
        let digits: String = order
            .iter()
            .map(|part| match part.as_str() {
                "day" => day,
                "month" => month,
                _ => year,
            })
            .collect();
        type_text(&context.tab.page, &digits).await?;
        if matches!(field(context).await?, Field::Date { value: now, .. } if now == value) {
            return Ok(());
        }
    }
    set_directly(context, step, value).await
}

/// Chooses a file from disk, as its dialog would.
async fn choose_file(
    context: &mut Context<'_>,
    path: &str,
    not_settable: impl Fn(&str) -> StepError,
) -> Result<(), StepError> {
    let path = std::path::absolute(path)
        .ok()
        .filter(|path| path.is_file())
        .ok_or_else(|| not_settable("there is no such file"))?;
    context.tab.choose_file(&path).await
}

async fn set_directly(
    context: &mut Context<'_>,
    step: &Change,
    value: &str,
) -> Result<(), StepError> {
    context
        .tab
        .call(SET, &[json!("value"), json!(value)])
        .await?;
    match field(context).await? {
        Field::Date { value: now, .. } | Field::Exact { value: now } if now == value => {
            context
                .notes
                .push("the value could not be typed, and was set directly".to_owned());
            Ok(())
        }
        _ => Err(StepError::NotSettable {
            selector: step.selector.to_string(),
            value: step.value.clone(),
            why: "the field does not take it; a date is written 2024-01-31".to_owned(),
        }),
    }
}
