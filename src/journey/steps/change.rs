//! `change`: sets a field as a person would: focus, keys, choice. Keys are tried first; what they cannot do is set
//! directly, and noted.

use serde::Deserialize;
use serde_json::json;

use crate::capture::RemoteError;
use crate::journey::keys::{press, type_text};
use crate::journey::{Context, Element, Press, StepError, Want};
use crate::scenario::{Change, key, placeholders, substitute};

const FIELD: &str = include_str!("../field.js");
const SET: &str = include_str!("../set.js");

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Field {
    Text {
        value: String,
        #[serde(default)]
        readonly: bool,
        /// A password is typed there.
        #[serde(default)]
        secret: bool,
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
    let element = reach(step, context).await?;
    match field(&element).await? {
        Field::Text { readonly: true, .. } => Err(not_settable("it is read-only")),
        // What stands in the scenario stands in the bundle, and goes to whoever gets that.
        Field::Text { secret: true, .. }
            if !step.value.is_empty() && placeholders(&step.value).is_empty() =>
        {
            Err(StepError::Password {
                selector: step.selector.to_string(),
            })
        }
        Field::Text { value: old, .. } | Field::Editable { value: old } => {
            type_over(context, &element, &old, &value).await
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
                Some((option, label, _)) => choose(context, &element, option, label).await,
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
                let (x, y) = (element.x, element.y);
                context.tab().click_at(x, y, Press::default()).await?;
                match field(&element).await? {
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
        Field::Date { order, .. } => set_date(context, &element, step, &value, &order).await,
        Field::Exact { .. } => set_directly(context, &element, step, &value).await,
        Field::File {} => choose_file(context, &element, &value, not_settable).await,
        Field::None { tag } => Err(not_settable(&format!("it is a <{tag}>"))),
    }
}

/// Finds the field. One for files is often hidden behind a button of the page's own, and needs no click.
async fn reach(step: &Change, context: &mut Context<'_>) -> Result<Element, StepError> {
    let present = context.locate(&step.selector, Want::Present).await?;
    match field(&present).await? {
        Field::File {} => Ok(present),
        _ => context.point_at(&step.selector, Want::POINT).await,
    }
}

async fn field(element: &Element) -> Result<Field, StepError> {
    let field = element.frame.call(FIELD, &[]).await?;
    serde_json::from_value(field)
        .map_err(|error| StepError::Browser(RemoteError::Unreadable(error.to_string())))
}

/// Clicks into the field, marks what stands there, and types over it.
async fn type_over(
    context: &mut Context<'_>,
    element: &Element,
    old: &str,
    value: &str,
) -> Result<(), StepError> {
    let (x, y) = (element.x, element.y);
    context.tab().click_at(x, y, Press::default()).await?;
    // A click into a button-like field may have moved the focus on: make sure that the keys go where they should.
    let mark = if old.is_empty() { "focus" } else { "select" };
    element.frame.call(SET, &[json!(mark)]).await?;
    if let Some(backspace) = key("Backspace").filter(|_| value.is_empty() && !old.is_empty()) {
        press(&context.tab().page, &backspace).await?;
    }
    type_text(&context.tab().page, value).await?;
    if let Field::Text { value: now, .. } = field(element).await?
        && now != value
    {
        context
            .notes
            .push("the page changed what was typed, or cut it".to_owned());
    }
    Ok(())
}

/// Types the label, which a drop-down list searches for; sets the choice directly where that misses.
async fn choose(
    context: &mut Context<'_>,
    element: &Element,
    option: &str,
    label: &str,
) -> Result<(), StepError> {
    element.frame.call(SET, &[json!("focus")]).await?;
    type_text(&context.tab().page, label).await?;
    match field(element).await? {
        Field::Select { value: now, .. } if now == option => Ok(()),
        _ => {
            let arguments = [json!("value"), json!(option)];
            element.frame.call(SET, &arguments).await?;
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
    element: &Element,
    step: &Change,
    value: &str,
    order: &[String],
) -> Result<(), StepError> {
    let parts: Vec<&str> = value.split('-').collect();
    if let [year, month, day] = parts[..] {
        element.frame.call(SET, &[json!("focus")]).await?;
        let digits: String = order
            .iter()
            .map(|part| match part.as_str() {
                "day" => day,
                "month" => month,
                _ => year,
            })
            .collect();
        type_text(&context.tab().page, &digits).await?;
        if matches!(field(element).await?, Field::Date { value: now, .. } if now == value) {
            return Ok(());
        }
    }
    set_directly(context, element, step, value).await
}

/// Chooses a file from disk, as its dialog would.
async fn choose_file(
    context: &mut Context<'_>,
    element: &Element,
    path: &str,
    not_settable: impl Fn(&str) -> StepError,
) -> Result<(), StepError> {
    // From the folder where we run, or from the scenario's.
    let path = [path.into(), context.scenario_folder.join(path)]
        .into_iter()
        .filter_map(|path| std::path::absolute(path).ok())
        .find(|path| path.is_file())
        .ok_or_else(|| not_settable("there is no such file"))?;
    element.frame.choose_file(&path).await
}

async fn set_directly(
    context: &mut Context<'_>,
    element: &Element,
    step: &Change,
    value: &str,
) -> Result<(), StepError> {
    let arguments = [json!("value"), json!(value)];
    element.frame.call(SET, &arguments).await?;
    match field(element).await? {
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
