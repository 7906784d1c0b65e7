package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Readme;
import org.junit.jupiter.api.Test;

class SettingsTest {
    @Test
    void readme_listsEverySettingAndItsDefault() {
        assertThat(Readme.rows("On one machine"))
                .containsExactlyInAnyOrderElementsOf(
                        Settings.OWN.stream().map(Readme::row).toList());
    }
}
