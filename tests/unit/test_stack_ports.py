"""Which port each listener of the local stack gets."""

import socket

import pytest

from deploy.local.errors import LocalError
from deploy.local.sockets import holder_of, is_free
from deploy.local.stack.ports import DEFAULTS, choose_ports


def test_all_get_their_defaults_when_everything_is_free() -> None:
    choice = choose_ports({}, {}, lambda _: True)
    assert choice.ports == DEFAULTS
    assert choice.moved == []


def test_a_taken_default_moves_to_the_next_free_one_that_nobody_else_wants() -> None:
    taken = {7101, 7104}
    choice = choose_ports({}, {}, lambda port: port not in taken)
    assert choice.ports["team_formation"] == 7105  # 7102 and 7103 are pricing's and notification's
    assert choice.ports["pricing"] == 7102
    [sentence] = choice.moved  # between the two halves it names who really has the port just now, if anybody
    assert sentence.startswith("port 7101 is taken")
    assert sentence.endswith(": team_formation listens on 7105")


def test_a_stack_keeps_the_port_that_it_had() -> None:
    choice = choose_ports({}, {"postgres": 7555}, lambda _: True)
    assert choice.ports["postgres"] == 7555


def test_two_listeners_never_share_a_port() -> None:
    choice = choose_ports({"kafka": 7101}, {"pricing": 7101, "notification": 7101}, lambda _: True)
    assert len(set(choice.ports.values())) == len(DEFAULTS)
    assert choice.ports["kafka"] == 7101


def test_a_port_that_was_asked_for_does_not_move() -> None:
    with pytest.raises(LocalError, match="pricing wants port 9000, which is taken") as caught:
        choose_ports({"pricing": 9000}, {}, lambda port: port != 9000)
    assert "--port pricing=N" in caught.value.remedy


def test_an_unknown_listener_is_refused_with_the_names() -> None:
    with pytest.raises(LocalError, match="no such listener") as caught:
        choose_ports({"prices": 9000}, {}, lambda _: True)
    assert "pricing" in caught.value.remedy


def test_running_out_of_ports_is_said() -> None:
    with pytest.raises(LocalError, match="No port from 7432 upwards"):
        choose_ports({}, {}, lambda _: False)


def test_a_listening_socket_makes_its_port_taken_and_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        assert not is_free(port)
        assert "process" in holder_of(port)
    assert is_free(port)
    assert holder_of(port) == ""
