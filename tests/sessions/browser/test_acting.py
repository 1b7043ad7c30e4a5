"""Finding, checking and acting as one operation, on pages that change in between."""

from __future__ import annotations

import pytest

from slipway.sessions import SessionError
from tests.sessions.conftest import on

pytestmark = pytest.mark.slow


# Drawn anew by script, each time as other elements.
REDRAWN = """<div id=box></div><p id=told>0</p><p id=kept></p><script>
let text = '', on = false, one = 'x';
const draw = () => { box.innerHTML = `<button onclick="told.textContent++">Count</button>
<label>Name <input oninput="text = this.value; kept.textContent = text"></label>
<label><input type=checkbox onchange="on = this.checked"> Box</label>
<select title=List onchange="one = this.value"><option>x<option>y</select><p>Row</p>`;
box.querySelector('input').value = text; box.querySelector('select').value = one;
box.querySelector('[type=checkbox]').checked = on; };
draw(); setInterval(draw, 5);</script>"""


def test_what_is_drawn_anew_every_5_ms_is_used(session, application):
    on(session, application, REDRAWN)
    for count in range(1, 21):
        session.press("Count")
        assert session.find("id", "told").text == str(count)
    session.fill("Name", "Ann")
    session.see("Ann")
    assert session.value("Name") == "Ann"
    session.choose("y", "List")
    assert session.value("List") == "y"
    session.check("Box")
    assert session.checked("Box")
    session.uncheck("Box")
    assert not session.checked("Box")
    session.see_not("Column")
    session.see_no_element("button", "Delete")
    with session.within("id", "box"):
        session.see("Row")
        session.press("Count")


@pytest.mark.parametrize(
    ("style", "script"),
    [
        ("@keyframes m { from { margin-left: 700px } } #go { animation: m 1s }", ""),
        ("#go { transition: margin 1s } .far { margin-left: 700px }", "go.className = 'far'"),
        (
            "",
            """let left = 700; const move = () => { go.style.marginLeft = `${left -= 10}px`;
            if (left > 0) requestAnimationFrame(move); }; move()""",
        ),
    ],
)
def test_what_moves_is_clicked_once_where_it_comes_to_rest(session, application, style, script):
    content = f"""<style>{style}</style><button id=go onclick="
    told.textContent += ' once'; at.textContent = this.getBoundingClientRect().x">Go</button>
    <p id=told></p><p id=at></p><script>getComputedStyle(go).margin; {script}</script>"""
    on(session, application, content)
    session.press("Go")
    assert session.find("id", "told").text == "once"
    before = session.find("id", "at").text
    assert session.execute("return String(go.getBoundingClientRect().x)") == before


def test_what_never_rests_is_told_within_patience(session, application):
    on(
        session,
        application,
        """<button id=go onclick="told.textContent = 'x'">Go</button><p id=told></p><script>
        let left = 0; const move = () => { left = (left + 40) % 800;
        go.style.marginLeft = `${left}px`; requestAnimationFrame(move); }; move()</script>""",
    )
    session.patience = 1
    with pytest.raises(
        SessionError, match=r'the button "Go" moves, on the page http.*; it is used'
    ):
        session.press("Go")
    assert session.find("id", "told").text == ""


def test_what_is_covered_for_a_second_is_clicked_after(session, application):
    on(
        session,
        application,
        """<button onclick="told.textContent += 'press'">Go</button><p id=told></p>
        <div id=over class=overlay style="position: fixed; inset: 0"
        onclick="told.textContent += 'overlay'"></div>
        <script>setTimeout(() => over.remove(), 1000)</script>""",
    )
    session.press("Go")
    assert session.find("id", "told").text == "press"


def test_what_covers_it_for_ever_is_told(session, application):
    cover = '<div class=overlay style="position: fixed; inset: 0"></div>'
    on(session, application, f"<button>Go</button><label>A <input type=checkbox></label>{cover}")
    session.patience = 0.3
    told = r'is covered by <div class="overlay">, on the page http://\S+; do first what'
    with pytest.raises(SessionError, match=f'the button "Go" {told}'):
        session.press("Go")
    with pytest.raises(SessionError, match=f'the checkbox "A" {told}'):
        session.check("A")
    with pytest.raises(SessionError, match=f"the element <button> {told}"):
        session.find("button", "Go").click()


def test_an_overlay_that_comes_with_the_pointer_gets_no_click(session, application):
    """It covers the button between the last look and the press: nothing may reach either."""
    on(
        session,
        application,
        """<button id=go onclick="told.textContent += 'press'">Go</button><p id=told></p>
        <div id=over style="position: fixed; inset: 0; display: none"
        onmousedown="told.textContent += 'down'" onclick="told.textContent += 'over'"></div>
        <script>addEventListener('pointermove', () => { over.style.display = 'block';
        setTimeout(() => over.remove(), 500) }, {once: true})</script>""",
    )
    session.press("Go")
    assert session.find("id", "told").text == "press"


def test_a_link_that_takes_the_place_of_another_is_not_followed(session, application):
    """The list is ordered anew as the pointer comes; frameworks use the old elements for it."""
    on(
        session,
        application,
        """<div id=list></div><p id=told></p><script>
        const rows = ['One', 'Two', 'Three', 'Four'];
        for (const name of rows) list.insertAdjacentHTML('beforeend',
        `<p><button onclick="told.textContent += ' ' + this.textContent">${name}</button></p>`);
        const order = () => { rows.push(rows.shift());
        rows.forEach((name, at) => list.querySelectorAll('button')[at].textContent = name) };
        let count = 0; addEventListener('pointermove', () => { if (count++ < 4) order() });
        </script>""",
    )
    for name in ("Three", "One", "Four"):
        session.press(name)
    assert session.find("id", "told").text == "Three One Four"


def test_a_list_that_is_sorted_all_the_time_gets_the_click_it_is_asked_for(session, application):
    on(
        session,
        application,
        """<div id=list></div><p id=told></p><script>
        for (let n = 10; n < 20; n++) list.insertAdjacentHTML('beforeend',
        `<p><button onclick="told.textContent += ' ' + this.textContent">Row ${n}</button></p>`);
        setInterval(() => list.append(list.firstChild), 150);</script>""",
    )
    wanted = [f"Row {number}" for number in range(10, 20)]
    for name in wanted:
        session.press(name)
    assert session.find("id", "told").text == " ".join(wanted)


def test_what_is_disabled_for_a_while_is_waited_for(session, application):
    on(
        session,
        application,
        """<fieldset id=set disabled><button onclick="told.textContent = 'pressed'">Go</button>
        <label>Name <input></label><label><input type=checkbox> Box</label></fieldset>
        <select title=List aria-disabled=true id=list><option>x<option>y</select><p id=told></p>
        <script>setTimeout(() => { set.disabled = false; list.ariaDisabled = null }, 700)
        </script>""",
    )
    session.press("Go")
    session.see("pressed")
    session.reload()
    session.fill("Name", "Ann")
    assert session.value("Name") == "Ann"
    session.reload()
    session.check("Box")
    assert session.checked("Box")
    session.reload()
    session.choose("y", "List")
    assert session.value("List") == "y"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<button disabled>Go</button>", "is disabled, on"),
        ("<fieldset id=f disabled><button>Go</button>", 'is disabled by <fieldset id="f">, on'),
        ("<a href=# aria-disabled=true>Go</a>", "is disabled by aria-disabled, on"),
        ("<button style='display: none'>Go</button>", r"is hidden \(display: none\), on"),
        (
            "<p id=p style='display: none'><button>Go</button>",
            r'is hidden \(display: none of <p id="p">\), on',
        ),
        ("<button style='visibility: hidden'>Go</button>", r"is hidden \(visibility: hidden\), on"),
        ("<a href=# style='display: block; height: 0; overflow: hidden'>Go</a>", "has no size"),
        (
            "<button style='position: absolute; left: -9999px'>Go</button>",
            "cannot be scrolled into view",
        ),
        (
            "<main id=m><button style='pointer-events: none'>Go</button></main>",
            r'lets the pointer through to <main id="m"> \(pointer-events: none\)',
        ),
    ],
)
def test_why_something_cannot_be_clicked_is_told(session, application, content, told):
    on(session, application, f"{content}<script>onclick = () => document.title = 'x'</script>")
    session.patience = 0.3
    with pytest.raises(SessionError, match=f'^the link or button "Go" {told}.*http.*; '):
        session.click("Go")
    assert session.title == "Shop"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<input title=A disabled>", "is disabled"),
        ("<input title=A readonly>", "is read-only"),
        ("<input title=A aria-readonly=true>", "is read-only"),
        ("<input title=A hidden>", r"is hidden \(display: none\)"),
    ],
)
def test_why_something_cannot_be_filled_in_is_told(session, application, content, told):
    on(session, application, content)
    session.patience = 0.3
    with pytest.raises(SessionError, match=f'^the text field "A" {told}, on the page http.*; '):
        session.fill("A", "x")


def test_what_cannot_change_is_told_at_once(session, application, tmp_path):
    on(session, application, "<input type=radio id=r checked><input type=file id=f><p id=p>x</p>")
    with pytest.raises(SessionError, match="is a radio button and cannot be unchecked"):
        session.find("id", "r").set_checked(checked=False)
    with pytest.raises(SessionError, match=r'<input id="f" type="file"> is a file field'):
        session.find("id", "f").click()
    for operation in (
        lambda found: found.fill("x"),
        lambda found: found.choose("x"),
        lambda found: found.set_checked(checked=True),
        lambda found: found.attach([tmp_path]),
    ):
        with pytest.raises(SessionError, match=r'the element <p id="p"> is a p element'):
            operation(session.find("id", "p"))


def test_headers_that_stick_and_what_is_far_away_are_scrolled_past(session, application):
    on(
        session,
        application,
        """<style>html { scroll-behavior: smooth } header { position: sticky; top: 0; height: 300px;
        background: #eee } footer { position: fixed; inset: auto 0 0; height: 300px;
        background: #eee } #pane { height: 100px; width: 200px; overflow: auto }</style>
        <header>Top</header><div style="height: 1500px"></div>
        <button onclick="told.textContent += ' low'">Low</button>
        <div id=pane><div style="height: 900px; width: 900px"></div>
        <button style="margin-left: 700px" onclick="told.textContent += ' inner'">Inner</button>
        </div><div style="height: 1500px"></div>
        <a href=# onclick="told.textContent += ' end'; return false">End</a>
        <p id=told></p><div style="height: 400px"></div><footer>Foot</footer>""",
    )
    for name in ("End", "Low", "Inner", "End"):
        session.click(name)
    assert session.find("id", "told").text == "end low inner end"


def test_what_has_no_box_of_its_own_is_clicked_where_it_is_drawn(session, application):
    on(
        session,
        application,
        """<a href=# onclick="told.textContent += ' float'; return false" title=Float>
        <span style="float: left; width: 40px; height: 40px; background: red"></span></a>
        <button style="display: contents" onclick="told.textContent += ' contents'">
        <b>Contents</b></button><p style="width: 70px">a long text with
        <a href=# onclick="told.textContent += ' wrapped'; return false">a link in two lines</a></p>
        <map name=m><area href="#" alt=Area coords="10,10,30,30" title=Area
        onclick="told.textContent += ' area'; return false"></map>
        <img usemap="#m" width=50 height=50 src=/pixel.png><p id=told></p>""",
    )
    for name in ("Float", "a link in two lines", "Area"):
        session.click(name)
    session.find("css", "button b").click()
    assert session.find("id", "told").text == "float wrapped area contents"


def test_what_is_in_shadows_and_frames_is_used(session, application):
    inner = application.add(
        "/inner",
        """<div style="height: 900px"></div><button onclick="this.textContent = 'Done'">Go</button>
        <label>Name <input></label>""",
    )
    on(
        session,
        application,
        f"""<p id=host></p><my-button>Text</my-button><p id=told></p><div style="height: 2000px">
        </div><iframe src="{inner}" style="height: 300px"></iframe><script>
        const root = host.attachShadow({{mode: 'open'}});
        root.innerHTML = '<button>Open</button><input>';
        root.querySelector('button').onclick = () => told.textContent += ' open';
        const own = document.querySelector('my-button');
        own.attachShadow({{mode: 'closed'}}).innerHTML = '<button><slot></slot></button>';
        own.onclick = () => told.textContent += ' closed';</script>""",
    )
    session.execute("return host.shadowRoot.querySelector('button')").click()
    field = session.execute("return host.shadowRoot.querySelector('input')")
    field.fill("Ann")
    assert field.value == "Ann"
    session.find("css", "my-button").click()
    assert session.find("id", "told").text == "open closed"
    session.browser.switch_to.frame(0)
    session.press("Go")
    session.see_element("button", "Done")
    session.fill("Name", "Bob")
    assert session.value("Name") == "Bob"


def test_an_element_that_is_taken_away_before_the_press_is_looked_for_again(session, application):
    """As the pointer comes its place is empty; half a second later there is another."""
    on(
        session,
        application,
        """<div id=box><button onclick="told.textContent += 'old'">Go</button></div><p id=told></p>
        <script>addEventListener('pointermove', () => { box.innerHTML = '';
        const html = `<button onclick="told.textContent += 'new'">Go</button>`;
        setTimeout(() => box.innerHTML = html, 500) }, {once: true})</script>""",
    )
    session.press("Go")
    assert session.find("id", "told").text == "new"


def test_what_acts_on_the_press_itself_is_pressed_once(session, application):
    """A menu that is gone with the press has had what it wants, though no click follows."""
    on(
        session,
        application,
        """<div id=box></div><p id=told></p><script>const draw = () => { box.innerHTML =
        '<button>Menu</button>'; box.firstChild.onmousedown = () => { told.textContent += ' down';
        draw() } }; draw()</script>""",
    )
    session.press("Menu")
    assert session.find("id", "told").text == "down"
