//! Bundles that were tampered with: each is refused, with the file named; and so it is by `sha256sum` where that can see it.
//! `tests/bundle/tamper.py` has more, and holds other tools against them too.

use std::fs;
use std::path::Path;

use pixelwitness::demo::Build;
use sha2::{Digest, Sha256};

use crate::common::{copy_folder, scenario, shell, signing_key, verify};

const MANIFEST: &str = "manifest-sha256.txt";
const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";

/// What is done to a copy of a bundle, the exit code, and a file that is named.
type Case = (&'static str, fn(&Path), i32, &'static str);

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "{}: nothing was changed", path.display());
    fs::write(path, changed).unwrap();
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn first_in(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| entry.path()).min().unwrap()
}

/// Digests made anew over what is there, as whoever changes a bundle can.
fn reseal(root: &Path) {
    let (_, files) = shell(
        root,
        "find data -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum",
    );
    fs::write(root.join(MANIFEST), &files).unwrap();
    let octets: u64 = files
        .lines()
        .map(|line| fs::metadata(root.join(&line[66..])).unwrap().len())
        .sum();
    let oxum = format!("Payload-Oxum: {octets}.{}", files.lines().count());
    let info = fs::read_to_string(root.join("bag-info.txt")).unwrap();
    let lines = info
        .lines()
        .map(|line| match line.starts_with("Payload-Oxum") {
            true => oxum.as_str(),
            false => line,
        });
    fs::write(
        root.join("bag-info.txt"),
        lines.collect::<Vec<_>>().join("\n") + "\n",
    )
    .unwrap();
    let tags = ["VERIFY.md", "bag-info.txt", "bagit.txt", MANIFEST].map(|name| {
        let digest = Sha256::digest(fs::read(root.join(name)).unwrap());
        format!("{}  {name}\n", data_encoding::HEXLOWER.encode(&digest))
    });
    fs::write(root.join(TAG_MANIFEST), tags.concat()).unwrap();
}

/// Nobody seals these anew.
const AS_IT_LIES: &[Case] = &[
    (
        "a byte of evidence",
        |b| flip(&b.join("data/evidence.jsonl")),
        1,
        "data/evidence.jsonl",
    ),
    (
        "a byte of the exchanges",
        |b| flip(&b.join("data/exchanges.jsonl")),
        1,
        "data/exchanges.jsonl",
    ),
    (
        "a byte of the run",
        |b| flip(&b.join("data/run.json")),
        1,
        "data/run.json",
    ),
    (
        "a byte of the findings",
        |b| flip(&b.join("data/findings.json")),
        1,
        "data/findings.json",
    ),
    (
        "a byte of the network log",
        |b| flip(&b.join("data/netlog.json.gz")),
        1,
        "data/netlog.json.gz",
    ),
    (
        "a byte of the browser's messages",
        |b| flip(&b.join("data/cdp.jsonl")),
        1,
        "data/cdp.jsonl",
    ),
    (
        "a byte of a picture",
        |b| flip(&b.join("data/screenshots/001.png")),
        1,
        "data/screenshots/001.png",
    ),
    (
        "a byte of a body",
        |b| flip(&first_in(&b.join("data/bodies"))),
        1,
        "data/bodies/",
    ),
    (
        "a byte of a certificate",
        |b| flip(&first_in(&b.join("data/certificates"))),
        1,
        "data/certificates/",
    ),
    (
        "a scenario cut short",
        |b| edit(&b.join("data/scenario.yaml"), |text| text[..40].to_owned()),
        1,
        "data/scenario.yaml",
    ),
    (
        "an emptied policy",
        |b| edit(&b.join("data/policy.yaml"), |_| String::new()),
        1,
        "data/policy.yaml",
    ),
    (
        "a file gone",
        |b| fs::remove_file(b.join("data/traffic.har")).unwrap(),
        1,
        "data/traffic.har",
    ),
    (
        "a folder gone",
        |b| fs::remove_dir_all(b.join("data/bodies")).unwrap(),
        1,
        "data/bodies/",
    ),
    (
        "a file renamed",
        |b| fs::rename(b.join("data/traffic.har"), b.join("data/Traffic.har")).unwrap(),
        1,
        "data/Traffic.har",
    ),
    (
        "a file added",
        |b| fs::write(b.join("data/bodies/extra"), "x").unwrap(),
        1,
        "data/bodies/extra",
    ),
    (
        "a file added beside",
        |b| fs::write(b.join("README.txt"), "x").unwrap(),
        1,
        "README.txt",
    ),
    (
        "a link to the same content",
        |b| {
            let outside = b.with_extension("outside");
            fs::rename(b.join("data/run.json"), &outside).unwrap();
            std::os::unix::fs::symlink(outside, b.join("data/run.json")).unwrap();
        },
        1,
        "data/run.json",
    ),
    (
        "a folder that is a link",
        |b| {
            let outside = b.with_extension("bodies");
            fs::rename(b.join("data/bodies"), &outside).unwrap();
            std::os::unix::fs::symlink(outside, b.join("data/bodies")).unwrap();
        },
        1,
        "data/bodies",
    ),
    (
        "a way out in the manifest",
        |b| {
            edit(&b.join(MANIFEST), |text| {
                text + &"0".repeat(64) + "  data/../../x\n"
            })
        },
        1,
        MANIFEST,
    ),
    (
        "an absolute path in the manifest",
        |b| {
            edit(&b.join(MANIFEST), |text| {
                text + &"0".repeat(64) + "  /etc/passwd\n"
            })
        },
        1,
        MANIFEST,
    ),
    (
        "a line twice in the manifest",
        |b| {
            edit(&b.join(MANIFEST), |text| {
                let first = text.lines().next().unwrap().to_owned();
                text + &first + "\n"
            })
        },
        1,
        MANIFEST,
    ),
    (
        "a line that is none",
        |b| edit(&b.join(MANIFEST), |text| text + "hello\n"),
        1,
        MANIFEST,
    ),
    (
        "instructions changed",
        |b| edit(&b.join("VERIFY.md"), |text| text + "It is all fine.\n"),
        1,
        "VERIFY.md",
    ),
    (
        "another BagIt",
        |b| edit(&b.join("bagit.txt"), |text| text.replace("1.0", "0.97")),
        1,
        "bagit.txt",
    ),
    (
        "the manifest gone",
        |b| fs::remove_file(b.join(MANIFEST)).unwrap(),
        1,
        MANIFEST,
    ),
    (
        "the signed manifest gone",
        |b| fs::remove_file(b.join(TAG_MANIFEST)).unwrap(),
        1,
        TAG_MANIFEST,
    ),
    (
        "the signature gone",
        |b| fs::remove_file(b.join("tagmanifest-sha256.txt.sig")).unwrap(),
        1,
        "tagmanifest-sha256.txt.sig",
    ),
    (
        "the signature damaged",
        |b| {
            edit(&b.join("tagmanifest-sha256.txt.sig"), |text| {
                text.replacen('A', "B", 3)
            })
        },
        1,
        "tagmanifest-sha256.txt.sig",
    ),
    (
        "a lock left there",
        |b| fs::write(b.join("run.lock"), "x").unwrap(),
        1,
        "run.lock",
    ),
];

/// These are sealed anew by whoever changed them; only the signature, or making the records again, tells.
const SEALED_ANEW: &[Case] = &[
    (
        "an event dropped",
        |b| {
            edit(&b.join("data/evidence.jsonl"), |text| {
                text.lines()
                    .skip(1)
                    .map(|line| line.to_owned() + "\n")
                    .collect()
            })
        },
        1,
        "data/evidence.jsonl",
    ),
    (
        "a value changed",
        |b| {
            edit(&b.join("data/evidence.jsonl"), |text| {
                text.replacen("PageView", "PageSeen", 1)
            })
        },
        1,
        "data/evidence.jsonl",
    ),
    (
        "sent made unsent",
        |b| {
            edit(&b.join("data/exchanges.jsonl"), |text| {
                text.replacen("\"sent\":true", "\"sent\":false", 1)
            })
        },
        1,
        "data/exchanges.jsonl",
    ),
    (
        "a key that no record has",
        |b| {
            edit(&b.join("data/exchanges.jsonl"), |text| {
                text.replacen("{\"id\"", "{\"new\":1,\"id\"", 1)
            })
        },
        1,
        "data/exchanges.jsonl",
    ),
    (
        "a verdict changed",
        |b| {
            edit(&b.join("data/findings.json"), |text| {
                text.replacen("\"found\"", "\"not_found\"", 1)
            })
        },
        1,
        "data/findings.json",
    ),
    (
        "a count changed",
        |b| {
            edit(&b.join("data/run.json"), |text| {
                text.replacen("\"third_party\": ", "\"third_party\": 9", 1)
            })
        },
        1,
        "data/run.json",
    ),
    (
        "a body exchanged",
        |b| fs::write(first_in(&b.join("data/bodies")), "nothing").unwrap(),
        1,
        "data/bodies/",
    ),
    (
        "a body gone",
        |b| fs::remove_file(first_in(&b.join("data/bodies"))).unwrap(),
        1,
        "data/bodies/",
    ),
    (
        "another scenario",
        |b| edit(&b.join("data/scenario.yaml"), |text| text + "# harmless\n"),
        1,
        "data/scenario.yaml",
    ),
    (
        "a picture gone",
        |b| fs::remove_file(b.join("data/screenshots/002.png")).unwrap(),
        1,
        "data/screenshots/002.png",
    ),
    (
        "a certificate exchanged",
        |b| {
            fs::write(
                first_in(&b.join("data/certificates")),
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            )
            .unwrap()
        },
        1,
        "data/certificates/",
    ),
    (
        "a file of nobody's",
        |b| fs::write(b.join("data/notes.txt"), "x").unwrap(),
        1,
        "data/notes.txt",
    ),
    (
        "a message of the browser's dropped",
        |b| {
            edit(&b.join("data/cdp.jsonl"), |text| {
                text.lines()
                    .filter(|line| !line.contains("ev=PageView"))
                    .map(|line| line.to_owned() + "\n")
                    .collect()
            })
        },
        1,
        "data/",
    ),
    (
        "a newer format",
        |b| {
            edit(&b.join("bag-info.txt"), |text| {
                text.replace("Bundle-Version: 1", "Bundle-Version: 2")
            })
        },
        3,
        "bag-info.txt",
    ),
    (
        "no format",
        |b| {
            edit(&b.join("bag-info.txt"), |text| {
                text.replace("Pixelwitness-Bundle-Version: 1\n", "")
            })
        },
        1,
        "bag-info.txt",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_to_a_bundle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let mut scenario = scenario("scenarios/demo/read-advice.yaml");
    scenario.steps.truncate(3);
    let server = pixelwitness::demo::DemoServer::start(Build::Leaky)
        .await
        .unwrap();
    let mut options = crate::common::options(&server, bundle.clone()).await;
    let policy = crate::common::root().join("scenarios/demo/northgate.policy.yaml");
    let today = jiff::civil::date(2026, 11, 26);
    options.policy = Some(std::sync::Arc::new(
        pixelwitness::policy::Policy::load(&policy, today).unwrap(),
    ));
    pixelwitness::run::run(&scenario, &options, crate::common::never(), &|_| {})
        .await
        .unwrap();
    server.stop().await;
    let key = signing_key(folder.path(), "key").display().to_string();
    let signed = folder.path().join("signed");
    copy_folder(&bundle, &signed);
    let output =
        crate::common::pixelwitness(&["sign", &signed.display().to_string(), "--key", &key], &[]);
    assert!(output.status.success());
    let allowed = format!("{key}.allowed");
    let trust = ["--allowed-signers", allowed.as_str()];
    assert_eq!(verify(&signed, &trust).0, 0);

    let mut by_others = 0;
    for (number, (what, tamper, code, file)) in AS_IT_LIES.iter().enumerate() {
        let copy = folder.path().join(format!("lies{number}"));
        copy_folder(&signed, &copy);
        tamper(&copy);
        let (found, result) = verify(&copy, &trust);
        assert_eq!(found, *code, "{what}: {result:#}");
        assert!(names(&result, file), "{what}: {result:#}");
        let (held, _) = shell(
            &copy,
            "sha256sum --strict -c manifest-sha256.txt tagmanifest-sha256.txt",
        );
        by_others += usize::from(!held);
    }
    // Files that were added, links to the same content, and the signature itself: others see those.
    assert!(by_others >= 20, "{by_others} of {}", AS_IT_LIES.len());

    for (number, (what, tamper, code, file)) in SEALED_ANEW.iter().enumerate() {
        for (name, original, trust) in [("anew", &bundle, &[][..]), ("signed", &signed, &trust[..])]
        {
            let copy = folder.path().join(format!("{name}{number}"));
            copy_folder(original, &copy);
            tamper(&copy);
            reseal(&copy);
            let (held, said) = shell(
                &copy,
                "sha256sum --strict -c manifest-sha256.txt tagmanifest-sha256.txt",
            );
            assert!(held, "{what}: {said}");
            let (found, result) = verify(&copy, trust);
            assert_eq!(found, *code, "{what}, {name}: {result:#}");
            assert!(names(&result, file), "{what}, {name}: {result:#}");
            if name == "signed" && *code == 1 {
                assert!(
                    names(&result, "tagmanifest-sha256.txt.sig"),
                    "{what}: {result:#}"
                );
            }
        }
    }
}

/// Whether a check that does not hold names a file: a folder's name stands for any file in it.
fn names(result: &serde_json::Value, file: &str) -> bool {
    let checks = result["checks"].as_array().into_iter().flatten();
    let mut named = checks
        .filter(|check| check["outcome"] != "proven" && check["outcome"] != "not_proven")
        .flat_map(|check| check["files"].as_array().into_iter().flatten())
        .filter_map(serde_json::Value::as_str);
    named.any(|name| name == file || (file.ends_with('/') && name.starts_with(file)))
}
