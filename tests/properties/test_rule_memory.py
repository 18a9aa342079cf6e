"""What is remembered of a folder changes nothing but the time: of each file is said what is said when asked alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.problems import ConfigurationError
from config.rule_values import NoRuleMatch, RuleMatch, RuleSkip
from config.rules import RootRules
from config.settings import RuleSettings
from tests.helpers.rules import rule, rules_of
from tests.properties.test_template_matching import PATHS, TEMPLATES

LOOKUPS = {"folk": {"ada": "ab3c"}}
#: Rules of every kind that a name's own values may reach: written out, constrained, converted, repeated, skipped.
KINDS: tuple[RuleSettings, ...] = (
    rule("{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}"),
    rule("{owner}/{project}/{image}_z{z}_c{channel}.{ext}", tags=("{project}",)),
    rule("{owner}/{project}/{image}_{day:%Y%m%d}.{ext}"),
    rule("{owner}/{project}/{stain}_{image}.{ext}", tags=("{stain|lower}",)),
    rule("{owner}/{project}/{stain}_{image}.{ext}", where={"stain": "DAPI|GFP"}),
    rule("{owner}/{project}/{project}_{image}.{ext}"),
    rule("{who}/{project}/{image}.{ext}", set={"owner": "{who|folk}", "dataset": "{project}"}),
    rule("{owner}/{project}/{image}.tif", set={"image": "fixed"}),
    rule("{project}/{owner}_{image}.{ext}"),
    rule("{owner}/{screen}/{plate}/{:text}_{well}_s{field}_w{channel}.{ext}"),
    rule("{owner}/{project}/{z}_{image}[_{t}].{ext}", key_values={"T": "[{t}]"}),
    rule("{owner}/{project}/{image}[_t{t:int}].{ext}"),
    rule("[{project}/]{image}.{ext}", skip=True),
    rule(("{owner}/{project}/{dataset}_{image}.{ext}", "{owner}/{project}/{image}.{ext}")),
    rule("{owner}/{p:path}/{image}.{ext}", description="{p}"),
    rule("{owner}/{project}/{image:3d}.{ext}"),
    rule(regex="(?P<owner>[^/]+)/(?P<image>.+)\\.tif"),
)
FOLDERS = ("ada/p", "bob/p", "g/ada/p/d", "ada/scr/P1", "p", "ada/p\xe4/q")
NAMES = (
    "x.tif", "y.ome.tif", "DAPI_x.tif", "GFP_x.tif", "p_x.tif", "x_20240506.tif", "x_20241399.tif", "x_z01_c2.tif",
    "x_z1_c02.tif", "exp_B03_s1_w2.tif", "exp_B04_s2_w1.tif", "7_x_8.tif", "7_x.tif", "007.tif", "x_t3.tif", " .tif",
    "\xe9t\xe9.tif", "a\\x41.tif", "x.txt", "z" * 30 + ".tif", "ada_x.tif",
)  # fmt: skip


def without_memory(rules: RootRules, path: bytes) -> RuleMatch | RuleSkip | NoRuleMatch:
    return RootRules(rules.watch, rules.settings, rules.rules).match(path)


def plain(said: RuleMatch | RuleSkip | NoRuleMatch) -> object:
    return said._replace(likeness=None) if isinstance(said, RuleMatch) else said


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique_by=id),
    st.lists(st.builds("{}/{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES)), min_size=2, max_size=30),
)
def test_a_file_is_said_the_same_of_with_others_of_its_folder_before_it(
    kinds: list[RuleSettings], paths: list[str]
) -> None:
    rules = rules_of(*kinds, lookups=LOOKUPS)
    for path in paths + [name.rpartition("/")[2] for name in paths]:
        raw = path.encode()
        assert plain(rules.match(raw)) == plain(without_memory(rules, raw)), path


@settings(max_examples=40, deadline=None)
@given(st.lists(TEMPLATES, min_size=1, max_size=3, unique=True), st.lists(PATHS, min_size=2, max_size=12))
def test_so_it_is_for_any_template(sources: list[str], texts: list[str]) -> None:
    try:
        rules = rules_of(*map(rule, sources))
    except ConfigurationError:
        return
    for text in texts:
        assert plain(rules.match(text.encode())) == plain(without_memory(rules, text.encode()))


def test_the_files_of_a_folder_are_told_by_the_first_of_them() -> None:
    rules = rules_of(KINDS[1])
    first, second, third = (
        rules.match(b"ada/p/x_z%d_c1.tif" % number) for number in (1, 2, 3)
    )  # only what is remembered has a likeness
    assert isinstance(first, RuleMatch)
    assert isinstance(second, RuleMatch)
    assert isinstance(third, RuleMatch)
    assert first.likeness is None
    assert second.likeness is not None
    assert second.likeness is third.likeness
    assert (second.targets["z"], third.targets["z"]) == ("2", "3")
