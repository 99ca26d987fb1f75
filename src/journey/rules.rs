//! Asks the installed rules about a banner that we do not recognise: their script runs in our isolated world, and what
//! it says is fetched from there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::consent::Rules;
use crate::model::{ConsentOutcome, ConsentRecord, Moment};
use crate::scenario::ConsentAnswer;

use super::frame::went_away;
use super::{Context, Frame, StepError};

/// Between two looks for what the script says.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long it may take to tell whether there is a banner that it knows.
const TELLS_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to answer one.
const ANSWERS_WITHIN: Duration = Duration::from_secs(12);

/// What the script says is put where we can fetch it.
const LISTEN: &str = "function () {
    globalThis.pixelwitnessSaid = [];
    globalThis.autoconsentSendMessage = (message) => { globalThis.pixelwitnessSaid.push(message); return Promise.resolve(); };
    delete globalThis.autoconsentReceiveMessage; }";
const FETCH: &str = "function () { return globalThis.pixelwitnessSaid.splice(0); }";
const REPLY: &str = "function (message) { globalThis.autoconsentReceiveMessage(message); }";

/// Lets the rules answer the banner of the page, if they know it. Their clicks are a script's.
///
/// # Errors
/// If the page is lost.
pub(super) async fn answer(
    context: &mut Context<'_>,
    rules: &Rules,
    answer: ConsentAnswer,
    record: &mut ConsentRecord,
) -> Result<(), StepError> {
    let main = match context.tab().main_frame().await {
        Err(error) if went_away(&error) => return Ok(()),
        main => main?,
    };
    let began = Instant::now();
    let listening = async {
        main.call(LISTEN, &[]).await?;
        main.run_script(&rules.script).await
    };
    match listening.await {
        Err(error) if went_away(&error) => return Ok(()),
        listening => listening?,
    }
    let mut found = None;
    loop {
        let limit = if found.is_some() {
            ANSWERS_WITHIN
        } else {
            TELLS_WITHIN
        };
        let said = match main.call(FETCH, &[]).await {
            // The page was loaded anew, as many are once they were answered.
            Err(error) if went_away(&error) => return Ok(()),
            said => said?,
        };
        for message in said.as_array().into_iter().flatten() {
            if hear(&main, rules, answer, message, record, &mut found).await? {
                return Ok(());
            }
        }
        if began.elapsed() > limit {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Takes in one message. True: it is done.
async fn hear(
    frame: &Frame,
    rules: &Rules,
    answer: ConsentAnswer,
    message: &Value,
    record: &mut ConsentRecord,
    found: &mut Option<String>,
) -> Result<bool, StepError> {
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    match text("type") {
        "init" => {
            let rules = json!({"autoconsent": [], "compact": rules.compact});
            reply(
                frame,
                json!({"type": "initResp", "rules": rules, "config": config(answer)}),
            )
            .await?;
        }
        "eval" => {
            // As its authors have it: some banners are only to be had by what their own scripts offer.
            let result = frame.evaluate(text("code")).await?.unwrap_or(false);
            let id = message["id"].clone();
            reply(
                frame,
                json!({"type": "evalResp", "id": id, "result": result}),
            )
            .await?;
        }
        "popupFound" => {
            let banner = format!("autoconsent {}: {}", rules.version, text("cmp"));
            record.banner = Some(banner.clone());
            record.outcome = ConsentOutcome::Failed;
            record.why = Some("the rules did not come to an end".to_owned());
            record.answered = Some(Moment::now());
            *found = Some(banner);
        }
        "optOutResult" | "optInResult" => {
            let done = message["result"] == true;
            record
                .clicks
                .push(format!("by the rules for {}", text("cmp")));
            record.outcome = if done {
                ConsentOutcome::Answered
            } else {
                ConsentOutcome::Failed
            };
            record.why = (!done).then(|| "the rules could not answer it".to_owned());
            return Ok(!done);
        }
        "autoconsentDone" => return Ok(true),
        _ => {}
    }
    Ok(false)
}

async fn reply(frame: &Frame, message: Value) -> Result<(), StepError> {
    match frame.call(REPLY, &[message]).await {
        Err(error) if went_away(&error) => Ok(()),
        replied => replied.map(drop),
    }
}

/// Nothing is hidden, and nothing is answered but by the banner's own buttons.
fn config(answer: ConsentAnswer) -> Value {
    json!({
        "enabled": true,
        "autoAction": match answer {
            ConsentAnswer::Reject => "optOut",
            ConsentAnswer::Accept => "optIn",
        },
        "disabledCmps": [],
        "enablePrehide": false,
        "enableCosmeticRules": false,
        "enableGeneratedRules": true,
        "enableHeuristicDetection": false,
        "enablePopupMutationObserver": false,
        "detectRetries": 8,
        "isMainWorld": false,
        "prehideTimeout": 0,
        "visualTest": false,
        "performanceLoggingEnabled": false,
        "heuristicPopupSearchTimeout": 0,
        "heuristicMode": "off",
        "logs": {"lifecycle": false, "rulesteps": false, "detectionsteps": false, "evals": false,
            "errors": false, "messages": false, "waits": false},
    })
}
