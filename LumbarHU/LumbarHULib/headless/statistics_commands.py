"""The commands for statistics: cohort, compare, precision, follow-up and study."""

from pathlib import Path

from LumbarHULib.headless.shared_options import Commands, add_out, add_overwrite, add_seed, run_later


def add_statistics_commands(commands: Commands) -> None:
    """Add the commands for statistics to the parser."""
    _add_cohort(commands)
    _add_compare(commands)
    _add_precision(commands)
    _add_follow_up(commands)
    _add_study(commands)


def _add_cohort(commands: Commands) -> None:
    cohort = commands.add_parser(
        "cohort",
        help="compute the statistics of a cohort: groups, correlation, ROC, cutoffs, agreement of readers",
        description="Compute the statistics of a cohort with DXA, quantitative CT or an outcome as reference: tables, "
        "figures, a summary, and the cohort's own cutoffs. The table has one row for each case; Docs/command-line.md "
        "describes its columns.",
    )
    cohort.add_argument("table", type=Path, metavar="COHORT.csv", help="the cohort's table")
    add_out(cohort)
    cohort.add_argument(
        "--readings", type=Path, metavar="FILE", help="table of single readings, with the columns of results.csv"
    )
    cohort.add_argument(
        "--prevalence",
        metavar="SHARE",
        help="prevalence of osteoporosis among the patients to be tested, for predictive values",
    )
    cohort.add_argument(
        "--low-bmd-prevalence",
        metavar="SHARE",
        help="the same for osteopenia or osteoporosis",
    )
    for option, what in (
        ("--qct-prevalence", "osteoporosis by quantitative CT"),
        ("--qct-low-bmd-prevalence", "osteopenia or osteoporosis by quantitative CT"),
        ("--outcome-prevalence", "the outcome"),
    ):
        cohort.add_argument(option, metavar="SHARE", help=f"the same for {what}")
    cohort.add_argument(
        "--mean",
        default="L1-L4",
        metavar="LEVELS",
        help="levels of the mean, such as L1 or L1,L2 (default: L1-L4, as for the study's cutoffs); each level is also "
        "analyzed separately",
    )
    cohort.add_argument(
        "--outcome-name",
        default="outcome",
        metavar="NAME",
        help="name of the outcome in the columns outcome and outcome_days, such as fracture",
    )
    cohort.add_argument(
        "--outcome-cutoff",
        metavar="HU",
        help="split Kaplan-Meier curves at this HU (default: at the study's cutoff for osteoporosis and at the median)",
    )
    cohort.add_argument(
        "--force-cutoffs",
        action="store_true",
        help="write cutoffs.json although a ROC curve does not show discrimination by HU",
    )
    cohort.add_argument("--no-figures", action="store_true", help="write the tables and the summary without figures")
    cohort.add_argument(
        "--bootstraps", default="2000", metavar="N", help="bootstrap resamples for each cutoff (default: 2000)"
    )
    add_seed(cohort, "bootstrap")
    add_overwrite(cohort)
    cohort.set_defaults(command=run_later("cohort_command", "run_cohort"))


def _add_compare(commands: Commands) -> None:
    compare = commands.add_parser(
        "compare",
        help="compare methods over a cohort: regions, levels or protocols, in pairs",
        description="Compare two or more methods that measured the same cases, such as two regions, L1 with the mean "
        "of L1 to L4, or two protocols: bias and limits of agreement, regression, classes, and areas under ROC curves "
        "where the cohort's table has a reference.",
    )
    compare.add_argument(
        "table",
        type=Path,
        nargs="?",
        metavar="COHORT.csv",
        help="the cohort's table, with HU of any region (hu_L1_round) and references; without it, only results",
    )
    compare.add_argument(
        "--methods",
        nargs="+",
        required=True,
        metavar="METHOD",
        help="two or more methods, each [PROTOCOL:]REGION[@LEVELS], such as round oval@L1-L4 round@L1 thin:round; "
        "without levels, the mean over L1-L4",
    )
    compare.add_argument(
        "--results",
        action="append",
        default=[],
        metavar="DIR|NAME=FILE",
        help="output folder of measure or batch by several protocols, or results.csv (or the folder with it) of one, "
        "as the protocol NAME; may be given several times",
    )
    add_out(compare)
    compare.add_argument(
        "--error-ratio",
        default="1",
        metavar="RATIO",
        help="variance of the second method's error divided by that of the first's, for Deming's regression, or "
        "“estimated”: from repeated readings (default: 1)",
    )
    compare.add_argument(
        "--cutoffs",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="cutoffs for the results named by the id of their protocol; may be given several times",
    )
    compare.add_argument(
        "--outcome-name", default="outcome", metavar="NAME", help="name of the outcome in the column outcome"
    )
    compare.add_argument("--no-figures", action="store_true", help="write the tables and the page without figures")
    add_overwrite(compare)
    compare.set_defaults(command=run_later("compare_command", "run_compare"))


def _add_precision(commands: Commands) -> None:
    precision = commands.add_parser(
        "precision",
        help="compute your site's precision error and least significant change from repeated measurements",
        description="Compute the precision error and the least significant change of every region, level and mean from "
        "repeated measurements of patients, by the rule of the ISCD: 30 patients measured twice, or 15 three times.",
    )
    precision.add_argument(
        "table",
        type=Path,
        metavar="TABLE",
        help="table of single readings, with the columns of results.csv; all readings of a case are repetitions",
    )
    add_out(precision, "file to write, such as precision.json (created)", "FILE")
    precision.add_argument(
        "--audits",
        type=Path,
        metavar="DIR",
        help="folder with the readings' audit folders, whose records state protocol, scanner, tube voltage and CT",
    )
    precision.add_argument(
        "--protocol", metavar="PROTOCOL", help="protocol of the readings, as an id or a file, without --audits"
    )
    precision.add_argument(
        "--repeated",
        choices=("scans", "readings"),
        help="what was repeated for each patient: the scan, or only the reading of one scan",
    )
    precision.add_argument("--manufacturer", metavar="NAME", help="manufacturer of the scanner, as in DICOM headers")
    precision.add_argument("--scanner", metavar="MODEL", help="model of the scanner, as in DICOM headers")
    precision.add_argument("--tube-voltage", metavar="KV", help="tube voltage of the scans")
    add_overwrite(precision, "file")
    precision.set_defaults(command=run_later("precision_command", "run_precision"))


def _add_follow_up(commands: Commands) -> None:
    follow_up = commands.add_parser(
        "follow-up",
        help="compare readings of one patient at different dates: change, its interval, and whether it counts",
        description="Compare the audit folders of one patient at different dates. A change counts if it equals or "
        "exceeds the least significant change, and only if scanner, tube voltage, contrast medium and protocol agree.",
    )
    follow_up.add_argument(
        "audits",
        nargs="+",
        metavar="AUDIT[=DATE]",
        help="audit folder with the date of its CT, such as audit-1=2024-03-15; two or more. Without any date, "
        "they are compared in this order",
    )
    add_out(follow_up)
    follow_up.add_argument(
        "--precision", type=Path, metavar="FILE", help="your site's precision study (default: the published LSC)"
    )
    follow_up.add_argument(
        "--case", metavar="NAME", help="state that all folders are of this patient, if their own names do not"
    )
    follow_up.add_argument(
        "--accept-unknown",
        action="store_true",
        help="compare although it is unknown whether scanner, tube voltage or contrast medium agree; recorded",
    )
    follow_up.add_argument("--no-figure", action="store_true", help="write the folder without the figure")
    add_overwrite(follow_up)
    follow_up.set_defaults(command=run_later("follow_up_command", "run_follow_up"))


def _add_study(commands: Commands) -> None:
    study = commands.add_parser(
        "study",
        help="check which of the study's printed numbers agree, and how reliable its cutoffs are",
        description="Compare the study's printed numbers with each other, and simulate from its quartiles how each of "
        "its cutoffs would vary in other patients.",
    )
    study.add_argument("--studies", default="10000", metavar="N", help="studies to simulate (default: 10000)")
    add_seed(study, "simulation")
    study.set_defaults(command=run_later("study_command", "run_study"))
