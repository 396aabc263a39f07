"""The page in headless Chromium: it opens without a network, sorts, filters, shows a fusion on hover, fits a phone."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
PATIENCE = 30  # seconds; a busy machine draws slowly

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def open_page():
    """Opens a file at a width of the window, in light or dark, and waits for its tables."""
    from selenium import webdriver
    from selenium.webdriver.support.ui import WebDriverWait

    opened = []

    def opening(file, width=1400, height=1200, dark=False):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        opened.append(driver)
        driver.command_executor.client_config.timeout = PATIENCE
        driver.set_page_load_timeout(PATIENCE)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["http://*", "https://*"]})
        driver.get(file.resolve().as_uri())
        wait = WebDriverWait(driver, PATIENCE)
        wait.until(
            lambda browser: browser.execute_script("return document.querySelectorAll('#t0-board tbody tr').length")
        )
        return driver, wait

    yield opening
    for driver in opened:
        driver.quit()


@pytest.fixture
def page(sweep, run_folder, bench_report, tmp_path):
    file = tmp_path / "page.html"
    bench_report(run_folder(sweep), "--format", "html", "--out", file)
    return file


def column(driver, number):
    script = "return [...document.querySelectorAll('#t0-board tbody tr')].map(row => row.cells[arguments[0]].innerText)"
    return driver.execute_script(script, number)


def test_the_leaderboard_sorts_and_filters(page, open_page):
    driver, wait = open_page(page)
    heads = "document.querySelector('.table thead').querySelectorAll('th')"
    headers = driver.execute_script(f"return [...{heads}].map(head => head.innerText.trim())")
    place = next(at for at, name in enumerate(headers) if name.startswith("accuracy"))
    before = column(driver, place)
    driver.execute_script(f"{heads}[arguments[0]].querySelector('.dt-column-order').click()", place)
    wait.until(lambda browser: column(browser, place) != before)
    shown = [float(value) for value in column(driver, place) if value.replace(".", "").isdigit()]
    assert shown == sorted(shown)
    assert len(shown) > 5
    fields = driver.find_elements("css selector", "tfoot input")
    next(field for field in fields if field.is_displayed()).send_keys("cosine")
    wait.until(lambda browser: set(column(browser, 0)) == {"cosine"})
    severe = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def test_a_point_names_its_fusion_on_hover_and_the_view_can_be_chosen(page, open_page):
    driver, wait = open_page(page)
    figure = driver.find_element("css selector", "figure[data-title='Accuracy and cost']")
    driver.execute_script("arguments[0].scrollIntoView()", figure)
    wait.until(lambda browser: figure.get_attribute("data-drawn") == "infer pairs/s")
    driver.execute_script(
        "Plotly.Fx.hover(arguments[0].querySelector('.plot'), [{curveNumber: 1, pointNumber: 0}])", figure
    )
    hover = wait.until(lambda browser: browser.find_elements("css selector", ".hoverlayer .hovertext"))
    assert "abs_diff × mobilenetv3_small_32" in hover[0].text or "concat × mobilenetv3_small_32" in hover[0].text
    figure.find_element("css selector", "option[value='2']").click()
    wait.until(lambda browser: figure.get_attribute("data-drawn") == "params")


def test_a_click_on_a_score_opens_the_page_of_its_cell_and_back_leads_to_the_report(page, sweep, open_page):
    driver, wait = open_page(page)
    link = driver.find_element("css selector", "a[href^='#cell-']")
    key = link.get_attribute("href").rpartition("#cell-")[2]
    (record,) = [one for one in sweep if one["key"] == key]
    driver.execute_script("arguments[0].click()", link)
    article = driver.find_element("id", "cell")
    wait.until(lambda browser: f"bench show {key}" in article.text)
    assert f"{record['fusion']} × {record['backbone']}" in article.text
    assert f"seed {record['seed']}" in article.text
    assert not driver.find_element("tag name", "main").is_displayed()
    assert article.find_elements("css selector", ".js-plotly-plot")
    driver.back()
    wait.until(lambda browser: browser.find_element("tag name", "main").is_displayed())
    assert not article.is_displayed()
    driver.get("about:blank")
    driver.get(f"{page.resolve().as_uri()}#cell-{key}")
    wait.until(lambda browser: f"bench show {key}" in browser.find_element("id", "cell").text)
    article = driver.find_element("id", "cell")
    driver.execute_script("location.hash = 'cell-unknown'")
    wait.until(lambda browser: "none of this key" in article.text)
    severe = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


@pytest.mark.parametrize(("width", "height"), [(1400, 1000), (390, 844)])
def test_every_entry_of_the_menu_of_columns_is_within_reach(
    record, run_folder, bench_report, tmp_path, open_page, width, height
):
    file = tmp_path / "page.html"
    # A table that is less high than the menu.
    bench_report(run_folder([record(abroad={"texture": 0.7}), record("concat")]), "--format", "html", "--out", file)
    driver, wait = open_page(file, width, height)
    driver.execute_script(
        "const table = document.querySelector('#t0-board').closest('.table'); table.scrollIntoView();"
        "table.querySelector('.dt-buttons button').click()"
    )
    menu = wait.until(lambda browser: browser.find_element("css selector", ".dt-button-collection [role=menu]"))
    # Of the menu alone, as a reader turns the wheel above it.
    script = """
        const menu = arguments[0];
        return [...menu.children].filter(entry => {
          menu.scrollTop = entry.offsetTop - menu.offsetTop;
          const box = entry.getBoundingClientRect();
          return !entry.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
        }).map(entry => entry.textContent)
    """
    wait.until(
        lambda browser: (
            browser.execute_script("return getComputedStyle(arguments[0].parentElement).opacity", menu) == "1"
        )
    )
    assert driver.execute_script("return arguments[0].children.length", menu) > 15
    assert driver.execute_script(script, menu) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_scrolls_down_alone_in_either_scheme(page, open_page, dark):
    driver, _ = open_page(page, width=390, height=844, dark=dark)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
    ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is not dark
    assert driver.execute_script("return document.documentElement.classList.contains('dark')") is dark


@pytest.mark.parametrize("width", [1400, 390])
def test_a_long_name_leaves_its_value_room(record, run_folder, bench_report, tmp_path, open_page, width):
    domain = "folder:path=/home/somebody/photographs/of/the/lab"
    one = record(domain=domain, data={domain: {"version": 2, "content": {"path": "48b3c2899f017783"}}})
    file = tmp_path / "page.html"
    bench_report(run_folder([one, record("concat", domain=domain)]), "--format", "html", "--out", file)
    driver, wait = open_page(file, width)
    driver.execute_script(f"location.hash = 'cell-{one['key']}'")
    wait.until(lambda browser: f"bench show {one['key']}" in browser.find_element("id", "cell").text)
    script = "return [...document.querySelectorAll('#cell dd')].map(one => one.getBoundingClientRect().width)"
    assert min(driver.execute_script(script)) > 60
    script = "return [...document.querySelectorAll('#cell dl')].map(one => one.scrollWidth - one.clientWidth)"
    assert max(driver.execute_script(script)) <= 0
